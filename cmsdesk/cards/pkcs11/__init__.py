"""The only door to python-pkcs11: one module, one slot, one login. Errors are those of operations."""
