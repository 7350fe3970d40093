"""Registration of a request: the form as a model without Qt, and the screen on it (REG-1…13)."""
