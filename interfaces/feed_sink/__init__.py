"""The sink of the feed: publishes what happens to a broker."""
