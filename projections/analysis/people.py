"""Persons in the facts: who is the same, who was erased, and the number of each visit."""

from typing import Any

import psycopg

from domain.people.account import Account
from domain.people.customer import Customer
from projections.analysis.facts import forgotten, identity
from projections.analysis.touched import Touched
from projections.engine.projection import RecordedEvent
from projections.engine.row_batch import RowBatch


def project(recorded: RecordedEvent, rows: RowBatch, touched: Touched) -> None:
    """Keep who is who."""
    match recorded.event:
        case Customer.Claimed(account_id=person_id) | Customer.Merged(into=person_id):
            rows.put(identity, customer_id=recorded.stream, person_id=person_id)
            rows.clear(identity, "person_id", recorded.stream, person_id=person_id)
            touched.customers.add(recorded.stream)
            touched.persons.add(recorded.stream)
        case Customer.Forgotten():
            rows.put(forgotten, customer_id=recorded.stream)
        case Account.Forgotten(account_id=account_id):
            rows.put(forgotten, customer_id=account_id)
        case _:
            pass


async def settle(connection: psycopg.AsyncConnection[Any], schema: str, touched: Touched) -> None:
    """Give appointments to the persons that their customers are, and number the persons' visits anew."""
    if touched.customers:
        visitors, places = zip(*touched.visits, strict=True) if touched.visits else ((), ())
        values = {"customers": touched.customers, "persons": touched.persons, "visitors": visitors, "places": places}
        values = {name: list(ids) for name, ids in values.items()}
        for query in (_SAME, _SAME_WAITING, _VISITS):
            await connection.execute(query.format(schema=schema).encode(), values, prepare=True)


_SAME = """
    UPDATE {schema}.fact_appointment a SET person_id = i.person_id FROM {schema}.fact_identity i
    WHERE a.person_id = i.customer_id AND i.customer_id = ANY(%(customers)s)"""
_SAME_WAITING = """
    UPDATE {schema}.fact_waitlist_entry e SET person_id = i.person_id FROM {schema}.fact_identity i
    WHERE e.person_id = i.customer_id AND i.customer_id = ANY(%(customers)s)"""
_VISITS = """
    UPDATE {schema}.fact_appointment a
    SET (visit_number, first_visit_date, previous_visit_date, next_made_at) = (v.number, v.first, v.previous, v.next)
    FROM (
        SELECT id,
            CASE WHEN visited THEN count(*) FILTER (WHERE visited) OVER until_then END AS number,
            CASE WHEN visited THEN min(start_date) FILTER (WHERE visited) OVER place END AS first,
            CASE WHEN visited THEN max(start_date) FILTER (WHERE visited) OVER before END AS previous,
            CASE WHEN visited THEN (
                SELECT min(made_at) FROM {schema}.fact_appointment n
                WHERE n.person_id = f.person_id AND n.place_id = f.place_id AND n.id <> f.id
                    AND n.made_at >= f.start_at AND n.made_at < f.end_at + interval '7 days') END AS next
        FROM (
            SELECT coalesce(i.person_id, k.customer) AS person_id, k.place_id
            FROM unnest(%(visitors)s::uuid[], %(places)s::uuid[]) k (customer, place_id)
            LEFT JOIN {schema}.fact_identity i ON i.customer_id = k.customer
            UNION
            SELECT a.person_id, a.place_id FROM unnest(%(persons)s::uuid[]) c
            LEFT JOIN {schema}.fact_identity i ON i.customer_id = c
            JOIN {schema}.fact_appointment a ON a.person_id = coalesce(i.person_id, c)) k
        JOIN {schema}.fact_appointment f USING (person_id, place_id)
        WINDOW place AS (PARTITION BY person_id, place_id),
            until_then AS (PARTITION BY person_id, place_id ORDER BY start_at, id ROWS UNBOUNDED PRECEDING),
            before AS (PARTITION BY person_id, place_id ORDER BY start_at, id
                       ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) v
    WHERE a.id = v.id AND (a.visit_number, a.first_visit_date, a.previous_visit_date, a.next_made_at)
        IS DISTINCT FROM (v.number, v.first, v.previous, v.next)"""
