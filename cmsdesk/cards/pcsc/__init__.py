"""The only door to pyscard: reader list, changes, connections. Errors are those of operations."""
