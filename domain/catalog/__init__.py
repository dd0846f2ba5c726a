"""Organizations, providers, services, tags."""
