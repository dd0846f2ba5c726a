"""Routes about the past: states, differences and histories of aggregates."""
