"""The feed: what happened, and whom each event concerns."""
