"""The dashboard *Jobs and mail*: what is due, what fails, who works, and what is mailed."""

from docker.grafana.board import Board, graph, number, quantile, total

MAILS = (
    'kind=~"remind|offer|notify|waitlist_ended|agenda|'
    'register|change_address|reset_password|invite|account_notice|farewell"'
)

WELL = [
    number(
        "Jobs due",
        "short",
        "Jobs that are due and not done. A few are normal; many that stay: see JobLag in docs/runbook.md.",
        "sum(max by (queue) (daybook_jobs_due))",
    ),
    number(
        "Lag of the latest queue",
        "s",
        "Seconds since the earliest due job was due. Above 60 s, see JobLag in docs/runbook.md.",
        "max(daybook_job_lag_seconds)",
    ),
    number(
        "Dead jobs",
        "short",
        "Jobs that Daybook does not try again. Above 0, see DeadJobs in docs/runbook.md: "
        "`GET /v1/jobs?status=dead` has their errors.",
        "sum(max by (queue) (daybook_jobs_dead))",
    ),
    number(
        "Workers",
        "short",
        "Worker processes that gave a sign of life. 0: no job runs; see QueueWithoutWorker in docs/runbook.md.",
        'max(daybook_processes{role="worker"})',
    ),
    number(
        "Beats",
        "short",
        "Beat processes that gave a sign of life. 0: nothing becomes due; see NoBeat in docs/runbook.md.",
        'max(daybook_processes{role="beat"})',
    ),
    number(
        "Since the last sweep",
        "s",
        "Seconds since a worker looked for due jobs: about 1. Above 60 s, see NoBeat in docs/runbook.md.",
        "max(daybook_sweep_age_seconds)",
    ),
]
QUEUES = [
    graph(
        "Jobs due by queue",
        "short",
        "One queue rises: too few workers take it, or what it calls is slow. All rise: no beat, or no workers.",
        ("max by (queue) (daybook_jobs_due)", "{{queue}}"),
    ),
    graph(
        "Lag by queue",
        "s",
        "Seconds since the earliest due job of a queue was due.",
        ("max by (queue) (daybook_job_lag_seconds)", "{{queue}}"),
    ),
    graph(
        "Workers by queue",
        "short",
        "Workers that take the messages of a queue. A queue without a line has none: start "
        "`daybook worker --queues NAME`.",
        ("sum by (queue) (daybook_worker_queues)", "{{queue}}"),
    ),
    graph(
        "Messages of beat",
        "ops",
        "Sweeps that beat asked for: about 1 a second. `held_back`: others wait in the broker, so that no worker takes "
        "the queue `sweep`.",
        (total("daybook_beat_ticks_total", by="outcome"), "{{outcome}}"),
    ),
    graph(
        "Dead jobs by queue",
        "short",
        "Jobs that failed 12 times, or cannot succeed. Fix the cause, then retry each: POST /v1/jobs/{id}/retry.",
        ("max by (queue) (daybook_jobs_dead)", "{{queue}}"),
    ),
    graph(
        "Messages in the broker",
        "short",
        "Keys in the Redis of the broker: a queue with messages is one. It stays below 20.",
        ('max(redis_db_keys{service="broker", db="db0"})', "keys"),
    ),
]
ATTEMPTS = [
    graph(
        "Attempts by outcome",
        "ops",
        "Attempts that ended. `failed`: tried again later; the log names the error. `lost`: the process slept past its "
        "lease. `dead`: not tried again.",
        (total("daybook_jobs_total", by="outcome"), "{{outcome}}"),
    ),
    graph(
        "Attempts by kind",
        "ops",
        "Attempts that ended, by the kind of job in docs/jobs.md.",
        (total("daybook_jobs_total", by="kind"), "{{kind}}"),
    ),
    graph(
        "Lateness of 95 %",
        "s",
        "95 % of the jobs were done so long after they were due. Above 60 s: start more workers, or raise "
        "WORKER_CONCURRENCY.",
        (quantile(0.95, "daybook_job_lateness_seconds", by="kind"), "{{kind}}"),
    ),
    graph(
        "Claimed again",
        "ops",
        "Empty when all is well. Jobs whose worker was lost. It rises for minutes: workers die; see their log, and "
        "the memory of the host.",
        (total("daybook_jobs_again_total", by="kind"), "{{kind}}"),
    ),
    graph(
        "Mails",
        "ops",
        "Attempts of jobs that send mail, by outcome. `failed` alone: the mail server is away or refuses; SMTP_URL "
        "names it.",
        (total("daybook_jobs_total", MAILS, "outcome"), "{{outcome}}"),
    ),
    graph(
        "Webhooks",
        "ops",
        "Deliveries by outcome. `failed`: a receiver is away; Daybook tells its owner, and stops after a day.",
        (total("daybook_webhook_deliveries_total", by="outcome"), "{{outcome}}"),
    ),
]
BOARD = Board(
    "jobs",
    "Jobs and mail",
    "Does everything happen that must happen later?",
    [("Is it well?", WELL), ("Queues", QUEUES), ("Attempts", ATTEMPTS)],
)
