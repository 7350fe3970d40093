"""Cryptographic Message Syntax (RFC 5652) as DER templates: what CAdES, PAdES and time stamps share."""
