"""Card tools (ANP-11): all that can be told of the device in a reader, what is wrong with it, its codes."""
