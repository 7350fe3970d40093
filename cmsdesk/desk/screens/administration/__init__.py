"""Administration of a body: operators, offices, configuration, stock, figures (ORG-1…8)."""
