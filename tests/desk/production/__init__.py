"""The real window on the virtual readers: sign-in, production, reset, resume, delivery."""
