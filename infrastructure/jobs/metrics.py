"""What is measured of jobs."""

from prometheus_client import Counter, Histogram

DONE = Counter("daybook_jobs", "Jobs that came to an end of a try", ["kind", "outcome"])
AGAIN = Counter("daybook_jobs_again", "Jobs whose worker was lost, and that were claimed again", ["kind"])
LATENESS = Histogram(
    "daybook_job_lateness_seconds",
    "How long after its time a job was done",
    ["kind"],
    buckets=(0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 7200, 86400),
)
