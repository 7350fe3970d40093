"""Use cases, one verb a file, and the Protocols for what they need from outside."""
