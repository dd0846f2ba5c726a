"""Questions for the figures of metrics, and their answers."""
