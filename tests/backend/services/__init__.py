"""What a call to the service does."""
