"""The journal's storage and its checker."""
