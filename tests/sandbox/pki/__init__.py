"""The sandbox certification authority."""
