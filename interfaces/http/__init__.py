"""The HTTP API: parse a request, run one command or one query, render the answer. Only `main` opens connections."""
