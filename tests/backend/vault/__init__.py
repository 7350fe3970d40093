"""Tests of the vault, on a real SoftHSM2 token."""
