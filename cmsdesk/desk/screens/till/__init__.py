"""The till's screen and its parts."""
