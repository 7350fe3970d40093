"""The operators' application."""
