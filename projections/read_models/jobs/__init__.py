"""Read models of jobs: which are due, and how each went."""
