"""What all benchmarks share: figures, load, servers, and towns to book in."""
