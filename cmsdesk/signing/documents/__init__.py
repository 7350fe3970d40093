"""Documents on their way: what goes in, where the bytes come from, what comes out."""
