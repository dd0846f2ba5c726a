"""The job queue on PostgreSQL."""
