"""The HTTP door: parse, ask one command or one query, render. Only `main` knows how things are made."""
