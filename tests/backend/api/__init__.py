"""The interface in this process."""
