"""The desk's application on the sandbox, with a window of its own for virtual readers, cards and faults."""
