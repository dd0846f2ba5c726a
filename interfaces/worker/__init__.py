"""The worker: Celery carries wake-ups alone; what is due is claimed from PostgreSQL."""
