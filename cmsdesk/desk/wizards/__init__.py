"""Wizards, one folder per verb: ``flow`` is pure and Qt-free, ``pages`` shows it."""
