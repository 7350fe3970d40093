"""What the central service does for a call, whatever brought the call here."""
