"""The building blocks of every screen; they speak through `LiveTexts` and wear the theme's style sheet."""
