"""Handing a produced device over to its holder (PRO-11)."""
