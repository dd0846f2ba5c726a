"""The same as a careful engineer tunes it: nothing is built anew for a request, and each is one round trip.

`/alchemy`: SQLAlchemy, its statement built once, autocommit. `/psycopg`: a pool of connections with one prepared
statement for each kind of request; it moves and cancels too.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response
from psycopg import errors
from psycopg.rows import namedtuple_row
from psycopg.types.json import Jsonb
from psycopg_pool import AsyncConnectionPool
from pydantic import ConfigDict
from sqlalchemy import Text, bindparam, func, insert, select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.exc import IntegrityError

from application.access import Caller
from bench.controls.bare import Said, bearer
from bench.controls.crud.app import Appointment, appointment_of, database, engine, life
from bench.controls.crud.table import appointment
from interfaces.http.booking.appointment_schemas import CancelAppointmentBody, RescheduleAppointmentBody

_FIELDS = ("id", "service_id", "provider_id", "customer_id", "during", "note", "answers", "idempotency_key")
_LOCKED = select(func.pg_advisory_xact_lock(func.hashtextextended(bindparam("lock", type_=Text()), 0))).subquery()
_VALUES = [bindparam(f"new_{name}", type_=appointment.c[name].type) for name in _FIELDS]
_ROW = insert(appointment).from_select(list(_FIELDS), select(*_VALUES).select_from(_LOCKED))
_INSERT = """
    INSERT INTO appointment (id, service_id, provider_id, customer_id, during, note, answers, idempotency_key)
    SELECT %b, %b, %b, %b, tstzrange(%b, %b), %b, %b, %b
    FROM (SELECT pg_advisory_xact_lock(hashtextextended(%b::text, 0))) l"""
_MOVE = """
    WITH mine AS MATERIALIZED (
        SELECT id, coalesce(%b, provider_id) AS provider_id,
            pg_advisory_xact_lock(hashtextextended(coalesce(%b, provider_id)::text, 0))
        FROM appointment WHERE id = %b AND customer_id = %b AND cancelled_at IS NULL)
    UPDATE appointment a SET provider_id = mine.provider_id,
        during = tstzrange(%b, %b::timestamptz + (upper(a.during) - lower(a.during)))
    FROM mine WHERE a.id = mine.id AND a.cancelled_at IS NULL"""
_CANCEL = """
    UPDATE appointment a SET cancelled_at = now()
    WHERE id = %b AND customer_id = %b AND cancelled_at IS NULL"""
_SHOWN = """
    RETURNING a.id, a.service_id, a.provider_id, a.customer_id, lower(a.during) AS start, upper(a.during) AS until,
        a.note, a.answers"""

assert database is not None
pool = AsyncConnectionPool(database.dsn, min_size=16, max_size=16, open=False, kwargs={"autocommit": True})
at_once = engine.execution_options(isolation_level="AUTOCOMMIT")
Who = Annotated[Caller, Depends(bearer)]
Key = Annotated[str, Header(alias="idempotency-key")]


class Moved(RescheduleAppointmentBody):
    model_config = ConfigDict(strict=False)


@asynccontextmanager
async def opened(app: FastAPI) -> AsyncIterator[None]:
    async with life(app), pool:
        yield


app = FastAPI(lifespan=opened, openapi_url=None)


@app.post("/alchemy/v1/appointments", status_code=201)
async def book_alchemy(request: Request, response: Response, body: Said, caller: Who, key: Key) -> Appointment:
    booked = appointment_of(body, caller)
    said = booked.model_dump(exclude={"start", "end"}) | {"idempotency_key": key}
    said["during"] = Range(booked.start, booked.end)
    try:
        async with at_once.connect() as connection:
            await connection.execute(_ROW, {f"new_{n}": v for n, v in said.items()} | {"lock": str(booked.provider_id)})
    except IntegrityError:
        raise _taken() from None
    response.headers["location"] = f"{request.url.path}/{booked.id}"
    return booked


@app.post("/psycopg/v1/appointments", status_code=201)
async def book_psycopg(request: Request, response: Response, body: Said, caller: Who, key: Key) -> Appointment:
    new = appointment_of(body, caller)
    ids = (new.id, new.service_id, new.provider_id, new.customer_id)
    values = (*ids, new.start, new.end, new.note, Jsonb(new.answers), key, str(new.provider_id))
    try:
        async with pool.connection() as connection:
            await connection.execute(_INSERT, values, prepare=True)
    except errors.IntegrityError:
        raise _taken() from None
    response.headers["location"] = f"{request.url.path}/{new.id}"
    return new


@app.post("/psycopg/v1/appointments/{id}/reschedule")
async def move(id: UUID, body: Moved, caller: Who) -> Appointment:
    return await _changed(
        _MOVE + _SHOWN, (body.provider_id, body.provider_id, id, caller.account, body.start, body.start)
    )


@app.post("/psycopg/v1/appointments/{id}/cancel")
async def cancel(id: UUID, body: CancelAppointmentBody, caller: Who) -> Appointment:  # noqa: ARG001
    return await _changed(_CANCEL + _SHOWN, (id, caller.account))


async def _changed(statement: str, values: tuple[Any, ...]) -> Appointment:
    try:
        async with pool.connection() as connection, connection.cursor(row_factory=namedtuple_row) as cursor:
            await cursor.execute(statement, values, prepare=True)
            row = await cursor.fetchone()
    except errors.IntegrityError:
        raise _taken() from None
    if row is None:
        raise HTTPException(404)
    fields = row._asdict()
    return Appointment(end=fields.pop("until"), **fields)


def _taken() -> HTTPException:
    return HTTPException(409, "This time is no longer free.")
