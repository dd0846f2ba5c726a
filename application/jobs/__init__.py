"""Jobs: what is done later, and which handler does it."""
