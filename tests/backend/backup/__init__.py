"""Tests of backups and shares."""
