"""Tests of the desk's local store."""
