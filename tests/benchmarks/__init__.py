"""Benchmarks: run by hand, never timed tests. See README.md."""
