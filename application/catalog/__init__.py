"""Organizations and their members, providers, services, tags: who may create, change and end them."""
