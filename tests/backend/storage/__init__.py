"""The service's database and its migrations."""
