"""Virtual cards and readers, test certification authority, stand-ins. Never imported by production."""
