"""The certificate authority port and its adapters."""
