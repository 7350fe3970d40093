"""The window around the screens: rail, status bar, command palette, lock."""
