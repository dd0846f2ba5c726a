"""The alerts. `python -m docker.prometheus.alerts` writes alerts.yml, which Prometheus reads.

A divisor shortens every window and every wait by the same factor, so that tests see in seconds what takes hours.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import yaml

FILE = Path(__file__).with_name("alerts.yml")
RUNBOOK = "docs/runbook.md"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
AVAILABLE, FAST = 0.999, 0.99
"""The goals: the share of requests without a 5xx, and the share of those within 250 ms."""
Window = Callable[[timedelta], str]
"""The text of a length of time, divided."""


@dataclass(frozen=True)
class Alert:
    """`wait`: how long it must hold. `severity`: `page` wakes somebody, `ticket` waits until the morning."""

    name: str
    severity: str
    wait: timedelta
    summary: str
    expr: Callable[[Window], str]


def failed(window: str) -> str:
    """The share of requests that ended with a 5xx."""
    requests = "daybook_http_requests_total"
    return f'(sum(rate({requests}{{status=~"5.."}}[{window}])) / sum(rate({requests}[{window}])))'


def slow(window: str) -> str:
    """The share of requests that took longer than the goal."""
    seconds = "daybook_http_request_duration_seconds"
    return f'(1 - sum(rate({seconds}_bucket{{le="0.25"}}[{window}])) / sum(rate({seconds}_count[{window}])))'  # of all


def burns(share: Callable[[str], str], goal: float, window: Window) -> str:
    """Whether the monthly budget is used up in two days, or in five: by a long window, and still by a short one."""
    pairs = ((14.4, HOUR, 5 * MINUTE), (6.0, 6 * HOUR, 30 * MINUTE))
    return " or ".join(
        f"({share(window(long))} > {times * (1 - goal):.4g} and {share(window(short))} > {times * (1 - goal):.4g})"
        for times, long, short in pairs
    )


def always(expr: str) -> Callable[[Window], str]:
    """An expression without a window."""
    return lambda _: expr


NOW = timedelta()
ALERTS: Sequence[Alert] = (
    Alert(
        "AvailabilityBurn",
        "page",
        NOW,
        "Too many requests end with 500 to 599: the goal of 99.9 % is missed within days.",
        lambda window: burns(failed, AVAILABLE, window),
    ),
    Alert(
        "LatencyBurn",
        "ticket",
        NOW,
        "Too many requests take longer than 250 ms: the goal of 99 % is missed within days.",
        lambda window: burns(slow, FAST, window),
    ),
    Alert(
        "ApiOverloaded",
        "ticket",
        5 * MINUTE,
        "Daybook refuses requests because it has more than it can answer.",
        lambda window: f'sum(rate(daybook_http_shed_total{{reason="overloaded"}}[{window(5 * MINUTE)}])) > 0',
    ),
    Alert(
        "ApiDown",
        "page",
        MINUTE,
        "No API process can be reached.",
        always('absent(up{job="daybook", service="api"} == 1)'),
    ),
    Alert(
        "PostgreSQLDown",
        "page",
        MINUTE,
        "PostgreSQL does not answer: no command, and no read but from caches.",
        always("max(pg_up) == 0 or absent(pg_up)"),
    ),
    Alert("RedisDown", "ticket", 2 * MINUTE, "Redis ({{ $labels.service }}) does not answer.", always("redis_up == 0")),
    Alert(
        "TargetDown",
        "ticket",
        5 * MINUTE,
        "Prometheus cannot reach {{ $labels.job }} {{ $labels.service }}.",
        always("up == 0"),
    ),
    Alert(
        "NoProjector",
        "page",
        MINUTE,
        "No projector updates the read models.",
        always("sum(daybook_projector_leading) < 1 or absent(daybook_projector_leading)"),
    ),
    Alert(
        "ProjectionLag",
        "page",
        5 * MINUTE,
        "The read model {{ $labels.reader }} is more than 30 s behind the log.",
        always("max by (reader) (daybook_reader_lag_seconds) > 30"),
    ),
    Alert(
        "ProjectionStopped",
        "page",
        MINUTE,
        "An event has stopped the read model {{ $labels.reader }}.",
        always("max by (reader) (daybook_reader_stopped) > 0"),
    ),
    Alert(
        "DoubleBooking",
        "page",
        NOW,
        "The guard against double bookings has found two appointments at one time.",
        always('max(daybook_reader_stopped{reader="occupancy"}) > 0'),
    ),
    Alert(
        "LedgerBroken",
        "page",
        NOW,
        "A verification found a changed event, seal or table.",
        always('sum(daybook_ledger_verifications_total{outcome="broken"}) > 0'),
    ),
    Alert(
        "LedgerNotVerified",
        "ticket",
        DAY,
        "No verification of the ledger has ended for two days.",
        lambda window: f"sum(increase(daybook_ledger_verifications_total[{window(26 * HOUR)}])) == 0",
    ),
    Alert(
        "JobLag",
        "page",
        5 * MINUTE,
        "Jobs of the queue {{ $labels.queue }} are more than a minute late.",
        always("max by (queue) (daybook_job_lag_seconds) > 60"),
    ),
    Alert(
        "DeadJobs",
        "ticket",
        5 * MINUTE,
        "{{ $value }} jobs of the queue {{ $labels.queue }} are dead: Daybook does not try them again.",
        always("max by (queue) (daybook_jobs_dead) > 0"),
    ),
    Alert(
        "QueueWithoutWorker",
        "page",
        2 * MINUTE,
        "No worker takes the queue {{ $labels.queue }}.",
        always(
            '(max by (queue) (daybook_jobs_due) or label_replace(vector(0), "queue", "sweep", "", "")) '
            "unless on (queue) (sum by (queue) (daybook_worker_queues) > 0)"
        ),
    ),
    Alert(
        "NoBeat",
        "page",
        MINUTE,
        "No beat runs: nothing becomes due.",
        always('max(daybook_processes{role="beat"}) == 0 or max(daybook_sweep_age_seconds) > 60'),
    ),
    Alert(
        "DiskFull",
        "page",
        5 * MINUTE,
        "Less than 10 % of {{ $labels.mountpoint }} is free.",
        always('node_filesystem_avail_bytes{fstype!~"tmpfs|ramfs"} / node_filesystem_size_bytes < 0.1'),
    ),
    Alert(
        "CertificateEnds",
        "ticket",
        HOUR,
        "The TLS certificate ends in less than 14 days.",
        always("min(daybook_certificate_expiry_timestamp_seconds) - time() < 14 * 86400"),
    ),
    Alert(
        "BackupOld",
        "page",
        10 * MINUTE,
        "The last {{ $labels.kind }} backup is too old.",
        always(
            'time() - max by (kind) (daybook_backup_last_success_timestamp_seconds{kind!="wal"}) > 26 * 3600 '
            'or time() - max by (kind) (daybook_backup_last_success_timestamp_seconds{kind="wal"}) > 15 * 60'
        ),
    ),
    Alert(
        "BackupMissing",
        "ticket",
        HOUR,
        "Daybook runs, and no backup of it was ever made.",
        always(
            'absent(daybook_backup_last_success_timestamp_seconds{kind="base"}) and on () daybook_sweep_age_seconds'
        ),
    ),
    Alert(
        "ClockSkew",
        "ticket",
        5 * MINUTE,
        "The clocks of Daybook's machines differ by more than a second.",
        always("max(abs(daybook_clock_offset_seconds)) > 1 or max(daybook_log_ahead_seconds) > 1"),
    ),
)


def written(divisor: int = 1) -> str:
    """The rules that Prometheus reads."""

    def window(length: timedelta) -> str:
        return _text(max(round(length.total_seconds() / divisor), 1))

    rules = [
        {
            "alert": each.name,
            "expr": each.expr(window),
            **({"for": window(each.wait)} if each.wait else {}),
            "labels": {"severity": each.severity},
            "annotations": {"summary": each.summary, "runbook": f"{RUNBOOK}#{each.name.lower()}"},
        }
        for each in ALERTS
    ]
    head = "# Made by `python -m docker.prometheus.alerts`. Each alert is a section of docs/runbook.md.\n"
    return head + yaml.safe_dump({"groups": [{"name": "daybook", "rules": rules}]}, sort_keys=False, width=110)


def _text(seconds: int) -> str:
    for letter, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds // size}{letter}"
    return f"{seconds}s"


if __name__ == "__main__":
    text = written(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
    FILE.write_text(text, encoding="utf-8")
