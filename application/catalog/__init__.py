"""Create, change and end organizations, providers, services and tags."""
