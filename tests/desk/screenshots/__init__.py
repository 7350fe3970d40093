"""Pictures of every screen, and the scenes that lead there; ``python -m tests.desk.screenshots FOLDER``."""
