"""Models that fill views from the desk's store without keeping the window waiting."""
