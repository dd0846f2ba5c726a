"""The job queue in PostgreSQL: enqueue, take over, claim, run, record the end."""
