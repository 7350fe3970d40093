"""Tables of the central service and the only code that touches them."""
