"""Tests of the central service's parts."""
