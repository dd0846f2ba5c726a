"""HTTP routes: metrics and their figures."""
