"""What all else stands on: secrets, errors, ids, clock, settings, logs, texts. Standard library only."""
