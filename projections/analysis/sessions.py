"""Group sessions in the facts: seats offered and taken."""

from typing import Any

import psycopg

from projections.analysis.touched import Touched


async def settle(connection: psycopg.AsyncConnection[Any], schema: str, touched: Touched) -> None:
    """Count the seats of sessions that the page has touched; those of one seat are no sessions."""
    for service_id, since in touched.services.items():
        found = await connection.execute(_LATER.format(schema=schema).encode(), [service_id, since], prepare=True)
        touched.sessions |= {(row[0], service_id, row[1]) for row in await found.fetchall()}
    if touched.sessions:
        providers, services, starts = map(list, zip(*touched.sessions, strict=True))
        values = {"providers": providers, "services": services, "starts": starts}
        for query in (_GONE, _COUNTED):
            await connection.execute(query.format(schema=schema).encode(), values, prepare=True)


_LATER = """
    SELECT DISTINCT provider_id, start_at FROM {schema}.fact_appointment WHERE service_id = %s AND start_at > %s"""
_GONE = """
    DELETE FROM {schema}.fact_session WHERE (provider_id, service_id, start_at) IN (
        SELECT * FROM unnest(%(providers)s::uuid[], %(services)s::uuid[], %(starts)s::timestamptz[]))"""
_COUNTED = """
    INSERT INTO {schema}.fact_session
        (provider_id, service_id, start_at, start_date, organization_id, demo, seats_offered, seats_taken)
    SELECT a.provider_id, a.service_id, a.start_at, min(a.start_date), (array_agg(a.organization_id ORDER BY a.id))[1],
        bool_and(a.demo), min(c.capacity), count(*) FILTER (WHERE a.due)
    FROM unnest(%(providers)s::uuid[], %(services)s::uuid[], %(starts)s::timestamptz[])
        k (provider_id, service_id, start_at)
    JOIN {schema}.fact_appointment a USING (provider_id, service_id, start_at)
    CROSS JOIN LATERAL (
        SELECT capacity FROM {schema}.fact_capacity c WHERE c.service_id = k.service_id
        ORDER BY c.since <= k.start_at DESC, CASE WHEN c.since <= k.start_at THEN -c.position ELSE c.position END
        LIMIT 1) c
    WHERE c.capacity > 1
    GROUP BY a.provider_id, a.service_id, a.start_at"""
