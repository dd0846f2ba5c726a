"""Metrics of jobs."""

from prometheus_client import Counter, Histogram

DONE = Counter("daybook_jobs", "Attempts of jobs that ended, by outcome", ["kind", "outcome"])
AGAIN = Counter("daybook_jobs_again", "Jobs claimed again because their worker was lost", ["kind"])
LATENESS = Histogram(
    "daybook_job_lateness_seconds",
    "Seconds from the due time of a job until it was done",
    ["kind"],
    buckets=(0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 7200, 86400),
)
