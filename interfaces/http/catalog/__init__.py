"""Routes of organizations, providers, services, tags and search."""
