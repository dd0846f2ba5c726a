"""The worker: Celery walks what falls due. Messages hold ids alone; what they mean is in PostgreSQL."""
