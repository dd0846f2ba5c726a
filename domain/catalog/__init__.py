"""What can be booked: organizations, providers, services, tags."""
