"""Everything that a database and a Redis hold, searched for what must not be there."""

from __future__ import annotations

from collections.abc import Iterable

import psycopg
from redis import Redis

TABLES = """
    SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'm', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    ORDER BY 1"""


def found_in_database(owner: str, needles: Iterable[str]) -> set[tuple[str, str]]:
    """(table, needle) wherever one stands: as text, or as bytes within a bytea. `owner`: a superuser's."""
    wanted = list(needles)
    found: set[tuple[str, str]] = set()
    with psycopg.connect(owner, autocommit=True) as connection:
        for (table,) in connection.execute(TABLES).fetchall():
            rows = connection.execute(f"SELECT t::text FROM {table} t".encode()).fetchall()
            dump = "\n".join(row for (row,) in rows).casefold()
            found |= {
                (table, needle)
                for needle in wanted
                if any(form in dump for form in (needle.casefold(), needle.encode().hex()))
            }
    return found


def found_in_redis(url: str, needles: Iterable[str]) -> set[str]:
    """Those that stand in a key or its value."""
    redis = Redis.from_url(url)
    told: list[bytes] = []
    for key in redis.scan_iter():
        told.append(key)
        told.append(redis.dump(key) or b"")
    redis.close()
    return {needle for needle in needles if any(needle.encode() in each for each in told)}
