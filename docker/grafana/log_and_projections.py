"""The dashboard *Log and projections*: commands, the event log, the read models that follow it, and PostgreSQL."""

from docker.grafana.board import Board, graph, number, quantile, total

APPEND, BATCH = "daybook_append_duration_seconds", "daybook_append_batch_commands"

WELL = [
    number(
        "Events recorded",
        "ops",
        "Events recorded each second. Zero under load: see the panel Commands by outcome.",
        total("daybook_events_recorded_total"),
    ),
    number(
        "Lag of the slowest projection",
        "s",
        "Age of the oldest event that a projection has not read. Above 10 s, see ProjectionLag in docs/runbook.md.",
        "max(daybook_reader_lag_seconds)",
    ),
    number(
        "Projections stopped",
        "short",
        "Projections that an event has stopped. Above 0, see ProjectionStopped in docs/runbook.md: "
        "`daybook projections` names projection, event and error.",
        "sum(daybook_reader_stopped)",
    ),
    number(
        "Leading projectors",
        "short",
        "Projectors that update the read models: 1. 0 for seconds while another takes over; 0 for longer, see "
        "NoProjector in docs/runbook.md.",
        "sum(daybook_projector_leading)",
    ),
    number(
        "Ledger violations",
        "short",
        "Nightly verifications that found a changed event, seal or table. See LedgerBroken in docs/runbook.md.",
        'sum(daybook_ledger_verifications_total{outcome="broken"})',
    ),
    number(
        "Ledger verified",
        "short",
        "Nightly verifications that found the ledger intact, since the workers started. It rises by 1 each night.",
        'sum(daybook_ledger_verifications_total{outcome="intact"})',
    ),
]
COMMANDS = [
    graph(
        "Commands by outcome",
        "ops",
        "`recorded`, `unchanged`, `replayed` (a key used again) and `refused` (409, 412, 422) are ordinary. "
        "`unavailable` or `failed` that rise: the database is away or full; see the panels of the log.",
        (total("daybook_commands_total", by="outcome"), "{{outcome}}"),
    ),
    graph(
        "Commands",
        "ops",
        "Commands each second, by name. One that rises alone is usually one client or an import.",
        (total("daybook_commands_total", by="command"), "{{command}}"),
    ),
    graph(
        "Commands overtaken",
        "ops",
        "Attempts that another writer overtook, so that Daybook decided again. A steady rise: many callers change the "
        "same calendar or record at once. Only the duration of commands suffers.",
        (total("daybook_command_conflicts_total"), "overtaken"),
    ),
]
LOG = [
    graph(
        "Duration of an append",
        "s",
        "Time from the call until the commit. Rises with batches under load. Rises without load: the disk of "
        "PostgreSQL is slow or full.",
        (quantile(0.5, APPEND), "50 %"),
        (quantile(0.95, APPEND), "95 %"),
    ),
    graph(
        "Commands in a batch",
        "short",
        "Commands that share one commit, on average. Above 1, group commit is at work; near 512, the log is full: "
        "commits take too long.",
        (f"{total(f'{BATCH}_sum')} / {total(f'{BATCH}_count')}", "commands"),
    ),
    graph(
        "Waiting and failed appends",
        "short",
        "Commands that wait for the writer, and appends each second that the database refused or did not answer. "
        "Failures: see the log of PostgreSQL.",
        ("sum(daybook_append_queue_commands)", "waiting"),
        (total("daybook_append_failures_total"), "failed each second"),
    ),
    graph(
        "Events by topic",
        "ops",
        "Events recorded each second. What happens in the business: see the dashboard Bookings.",
        (total("daybook_events_recorded_total", by="event"), "{{event}}"),
    ),
    graph(
        "Clocks",
        "s",
        "How far the time of the log is ahead of the database's clock, and the clock of this machine minus that of the "
        "database. More than 1 s: set the clocks by NTP; see ClockSkew in docs/runbook.md.",
        ("max(daybook_log_ahead_seconds)", "log ahead"),
        ("max(daybook_clock_offset_seconds)", "offset"),
    ),
    graph(
        "Ledger",
        "short",
        "Verifications since the workers started. `broken`: stop, keep the database as it is, and see LedgerBroken in "
        "docs/runbook.md.",
        ("sum by (outcome) (daybook_ledger_verifications_total)", "{{outcome}}"),
    ),
]
PROJECTIONS = [
    graph(
        "Lag in events",
        "short",
        "Events that a projection has not read. All rise: the projector is too slow or away. One rises: it has stopped "
        "or is being rebuilt.",
        ("max by (reader) (daybook_reader_lag_positions)", "{{reader}}"),
    ),
    graph(
        "Lag in seconds",
        "s",
        "Age of the oldest event that a projection has not read. Readers see nothing younger than this, except their "
        "own writes.",
        ("max by (reader) (daybook_reader_lag_seconds)", "{{reader}}"),
    ),
    graph(
        "Stopped projections",
        "short",
        "1: an event has stopped the projection, and its read model stays as it was. Fix the cause, then "
        "`daybook projections resume`.",
        ("max by (reader) (daybook_reader_stopped)", "{{reader}}"),
    ),
]
POSTGRESQL = [
    graph(
        "Transactions",
        "ops",
        "Commits and rollbacks each second in the database. Rollbacks that rise: refused appends or queries that fail.",
        (total("pg_stat_database_xact_commit", 'datname="daybook"'), "commits"),
        (total("pg_stat_database_xact_rollback", 'datname="daybook"'), "rollbacks"),
    ),
    graph(
        "Size of the database",
        "bytes",
        "It grows with each event, and doubles for the time of a rebuild. Compare with the panel Disk in use.",
        ('pg_database_size_bytes{datname="daybook"}', "size"),
    ),
    graph(
        "Locks",
        "short",
        "Locks held, by mode. AccessExclusiveLock that stays: a migration or a person holds a table, and all others "
        "wait.",
        ('sum by (mode) (pg_locks_count{datname="daybook"})', "{{mode}}"),
    ),
]
BOARD = Board(
    "log",
    "Log and projections",
    "Is everything recorded, and do the read models follow?",
    [
        ("Is it well?", WELL),
        ("Commands", COMMANDS),
        ("Log", LOG),
        ("Projections", PROJECTIONS),
        ("PostgreSQL", POSTGRESQL),
    ],
)
