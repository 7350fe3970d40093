"""The operators' application (Qt): window, screens, wizards, widgets. Nothing below it knows Qt."""
