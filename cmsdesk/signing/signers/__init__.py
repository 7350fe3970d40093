"""Signers: whatever holds a private key and turns digests into signature values."""
