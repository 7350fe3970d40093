"""Databases as former releases left them, and how to write one of this release."""
