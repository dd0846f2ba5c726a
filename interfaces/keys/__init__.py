"""`daybook keys`: the keys by which what is personal is sealed."""
