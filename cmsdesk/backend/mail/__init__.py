"""Mail that the service sends through an SMTP server of the body's or the operator's."""
