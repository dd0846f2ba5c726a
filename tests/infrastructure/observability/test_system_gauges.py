"""What no process can tell of itself is read from the database: queues, processes, sweeps, the clock."""

import psycopg
from prometheus_client import REGISTRY

from application.jobs.dispatch import KINDS
from infrastructure.local.programs import wait_until
from infrastructure.observability.process_registry import ProcessRegistry
from infrastructure.observability.system_gauges import SystemGauges, read_gauges
from infrastructure.observability.system_status import QUEUES
from tests.conftest import Database

JOB = """
    INSERT INTO work.job (key, kind, subject, slot, planned_at, due_at, dead_at)
    SELECT gen_random_uuid(), %s, gen_random_uuid(), n::text, at, at, CASE WHEN %s THEN now() END
    FROM generate_series(1, %s) n, (SELECT now() - interval '90 s') due(at)"""


def number(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


def test_due_late_and_dead_jobs_are_told_by_queue(database: Database) -> None:
    with psycopg.connect(database.owner, autocommit=True) as connection:
        connection.execute(JOB, ["remind", False, 3])
        connection.execute(JOB, ["deliver", True, 2])
        read_gauges(connection)
    assert number("daybook_jobs_due", queue="urgent") == 3
    assert number("daybook_jobs_dead", queue="urgent") == 0
    assert 90 <= (number("daybook_job_lag_seconds", queue="urgent") or 0) < 200
    assert number("daybook_jobs_dead", queue="webhooks") == 2
    assert number("daybook_jobs_due", queue="webhooks") == 0


def test_the_time_without_a_sweep_and_the_difference_of_clocks_are_told(database: Database) -> None:
    with psycopg.connect(database.owner, autocommit=True) as connection:
        connection.execute("UPDATE work.enrolled SET swept_at = clock_timestamp() - interval '70 s'")
        read_gauges(connection)
    assert 70 <= (number("daybook_sweep_age_seconds") or 0) < 170
    offset = number("daybook_clock_offset_seconds")
    assert offset is not None
    assert abs(offset) < 1


def test_running_processes_are_counted_by_role(database: Database) -> None:
    with ProcessRegistry(database.application, "beat"), SystemGauges(database.application):
        assert wait_until(lambda: number("daybook_processes", role="beat") == 1, 60)
        assert number("daybook_processes", role="worker") == 0


def test_jobs_that_are_planned_cost_nothing(database: Database) -> None:
    """The queue has a job for each appointment ahead, and the gauges are read every few seconds."""
    pairs = [(queue, kind) for queue, kinds in KINDS.items() for kind in kinds]
    with psycopg.connect(database.owner) as connection:
        connection.execute("SET enable_seqscan = off")  # the table is empty, and a scan of it cheap
        plan = connection.execute(f"EXPLAIN {QUEUES}", [list(each) for each in zip(*pairs, strict=True)]).fetchall()
    told = "\n".join(line for (line,) in plan)
    assert "Seq Scan on job" not in told
    assert "job_due" in told
    assert "job_dead" in told
