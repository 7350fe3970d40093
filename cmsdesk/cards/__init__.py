"""Smart cards: PC/SC, PKCS#11, card families, and the child process that owns a reader."""
