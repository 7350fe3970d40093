"""Tests of the job table, its worker, and what the jobs do."""
