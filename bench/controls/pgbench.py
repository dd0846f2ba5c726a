"""PostgreSQL's own load generator, doing what the library's append does, with rows of our size."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import psycopg

from bench.tools.place import Database
from infrastructure.local.programs import NoServer, find_postgres
from infrastructure.settings import inherited

CLIENTS = 16

_TABLE = b"""
CREATE SCHEMA IF NOT EXISTS pgbench;
CREATE TABLE IF NOT EXISTS pgbench.stored_events (
    originator_id uuid NOT NULL, originator_version bigint NOT NULL, topic text NOT NULL,
    state bytea NOT NULL, notification_id bigint GENERATED ALWAYS AS IDENTITY UNIQUE, event_id uuid NOT NULL,
    recorded_at timestamptz NOT NULL, metadata json NOT NULL, digest bytea NOT NULL,
    PRIMARY KEY (originator_id, originator_version))"""

_SAMPLE = b"""
SELECT DISTINCT ON (topic) topic, encode(state, 'hex'), metadata::text, encode(digest, 'hex')
FROM log.stored_events WHERE topic IN ('Day.Reserved', 'Appointment.Booked')
ORDER BY topic, notification_id DESC"""


def find_pgbench() -> Path | None:
    """The program of this machine or of the wheel, if there is one."""
    for prefer in ("machine", "wheel"):
        try:
            program = find_postgres(prefer) / "pgbench"
        except NoServer:
            return None
        if program.is_file():
            return program
    return None


def write_script(database: Database, folder: Path) -> Path:
    """The table, and a script that appends two rows like the last booking's of the log."""
    with psycopg.connect(database.owner, autocommit=True) as connection:
        for statement in _TABLE.split(b";\n"):
            connection.execute(statement)
        sample = connection.execute(_SAMPLE).fetchall()
    values = ",\n".join(
        f"(gen_random_uuid(), 1, '{topic}', '\\x{state}', gen_random_uuid(), now(), '{metadata}', '\\x{digest}')"
        for topic, state, metadata, digest in sample
    )
    assert len(sample) == 2, "the log has no booking yet"
    script = folder / "append.sql"
    script.write_text(
        "BEGIN;\nLOCK TABLE pgbench.stored_events IN EXCLUSIVE MODE;\nNOTIFY pgbench;\n"
        "INSERT INTO pgbench.stored_events (originator_id, originator_version, topic, state, event_id, "
        "recorded_at, metadata, digest) VALUES\n"
        f"{values};\nCOMMIT;\n"
    )
    return script


def appends(program: Path, database: Database, script: Path, transactions: int) -> float:
    """Transactions per second, of two events each. `transactions`: in all."""
    command = [str(program), "-n", "-c", str(CLIENTS), "-j", "2", "-M", "prepared"]
    command += ["-t", str(max(1, transactions // CLIENTS)), "-f", str(script), database.owner]
    run = subprocess.run(command, capture_output=True, text=True, check=False, env=inherited())
    found = re.search(r"tps = ([\d.]+)", run.stdout)
    if run.returncode or found is None:
        raise NoServer(f"pgbench failed:\n{run.stdout}{run.stderr}")
    return float(found.group(1))
