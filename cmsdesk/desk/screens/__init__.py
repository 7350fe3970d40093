"""The screens: one file each, listed in `catalogue`."""
