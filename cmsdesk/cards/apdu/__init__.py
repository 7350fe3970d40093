"""Command and response APDUs as bytes: builders, parsers, names. No input or output."""
