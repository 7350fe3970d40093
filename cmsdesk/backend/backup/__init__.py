"""Backups of the whole service, encrypted, and the vault's key split among three persons (OPS-2)."""
