"""Book by one insert: FastAPI, SQLAlchemy and psycopg, all of it async.

The insert first locks the provider for its transaction. Without that, two who overlap wait for each other's
row until the server ends one of them after a second; dozens of them hardly ever come to an end.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response
from pydantic import BaseModel
from sqlalchemy import func, insert, literal, select
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import create_async_engine

from application.access import Caller
from bench.controls.bare import Said, bearer
from bench.controls.crud.table import appointment, service
from domain.kernel import new_id
from infrastructure.database.roles import alchemy
from infrastructure.settings import Settings

database = Settings().database
assert database is not None
engine = create_async_engine(alchemy(database.dsn), pool_size=16, max_overflow=0, pool_timeout=30)
durations: dict[UUID, timedelta] = {}


class Appointment(BaseModel):
    """What is answered."""

    id: UUID
    service_id: UUID
    provider_id: UUID
    customer_id: UUID
    start: datetime
    end: datetime
    note: str
    answers: dict[str, Any]


@asynccontextmanager
async def life(_: FastAPI) -> AsyncIterator[None]:
    async with engine.connect() as connection:
        for id, minutes in await connection.execute(select(service.c.id, service.c.duration)):
            durations[id] = timedelta(minutes=minutes)
    yield
    await engine.dispose()


app = FastAPI(lifespan=life, openapi_url=None)


@app.post("/v1/appointments", status_code=201)
async def book(
    request: Request,
    response: Response,
    body: Said,
    caller: Annotated[Caller, Depends(bearer)],
    idempotency_key: Annotated[str, Header()],
) -> Appointment:
    """One insert; the table says whether the time is free."""
    booked = appointment_of(body, caller)
    await _insert(booked, idempotency_key)
    response.headers["location"] = f"{request.url.path}/{booked.id}"
    return booked


def appointment_of(body: Said, caller: Caller) -> Appointment:
    """What is asked for."""
    if body.provider_id is None or body.service_id not in durations:
        raise HTTPException(422)
    return Appointment(
        id=new_id(),
        customer_id=caller.account,
        service_id=body.service_id,
        provider_id=body.provider_id,
        start=body.start,
        end=body.start + durations[body.service_id],
        note=body.note,
        answers=body.answers,
    )


async def _insert(booked: Appointment, key: str) -> None:
    said = booked.model_dump(exclude={"start", "end"})
    said |= {"during": Range(booked.start, booked.end), "idempotency_key": key}
    lock = select(func.pg_advisory_xact_lock(func.hashtextextended(str(booked.provider_id), 0))).subquery()
    values = [literal(value, appointment.c[name].type) for name, value in said.items()]
    row = insert(appointment).from_select(list(said), select(*values).select_from(lock))
    try:
        async with engine.begin() as connection:
            await connection.execute(row)
    except IntegrityError:
        raise HTTPException(409, "This time is no longer free.") from None
