"""Messages between desk and service, and the desk's side of them: its local, encrypted store."""
