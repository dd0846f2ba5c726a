"""The worker: Celery carries wake-ups only; jobs are claimed from PostgreSQL."""
