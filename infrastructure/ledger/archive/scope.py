"""Which streams belonged to an organization, and up to which version: what its archive has."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from itertools import groupby
from uuid import UUID

from psycopg import AsyncConnection

from application.past import PastEvent, organization_then
from infrastructure.ledger.past_log import PastLog, PastStreams

_CATALOG = """SELECT originator_id, state FROM log.stored_events
    WHERE notification_id <= %s AND (topic LIKE 'Provider.%%' OR topic LIKE 'Service.%%')"""
_ALL = "SELECT originator_id, state FROM log.stored_events WHERE notification_id <= %s"
_ID = re.compile(rb"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")
_TOGETHER = 200  # streams that are read at once

Events = dict[UUID, Sequence[PastEvent]]
Progress = Callable[[int, int], None]


async def streams_of(
    organization: UUID, connection: AsyncConnection, log: PastLog, upto: int, progress: Progress | None = None
) -> dict[UUID, int]:
    """The streams that belonged to it, each with its last version then, up to a position.

    A stream is whole up to there: also what is from before it came to the organization, without which it has no state.
    In memory: the ids of these streams, the organization's providers and services. The connection is in a transaction.
    """
    related = {organization}
    while grown := {id async for id in _naming(connection, _CATALOG, related, upto)} - related:
        related |= grown
    named = sorted({id async for id in _naming(connection, _ALL, related, upto)} | related)
    catalog = await _events(log, sorted(related), upto)
    moves = [upto, *[at - 1 for stream in catalog async for at in _moves(stream, catalog, log, upto)]]
    found: dict[UUID, int] = {}
    for first in range(0, len(named), _TOGETHER):
        batch = named[first : first + _TOGETHER]
        known = {**catalog, **await _events(log, batch, upto)}
        for stream in known.keys() & set(batch):
            if (version := await _last(organization, stream, known, log, moves)) is not None:
                found[stream] = version
        if progress:
            progress(first + len(batch), len(named))
    return found


async def _naming(connection: AsyncConnection, query: str, ids: Collection[UUID], upto: int) -> AsyncIterator[UUID]:
    """The streams with an event that names one of these ids."""
    wanted = {id.hex.encode() for id in ids}
    async with connection.cursor("naming") as cursor:
        cursor.itersize = 1_000
        await cursor.execute(query.encode(), [upto])
        async for stream, state in cursor:
            if any(found.replace(b"-", b"") in wanted for found in _ID.findall(state)):
                yield stream


async def _events(log: PastLog, streams: Sequence[UUID], upto: int) -> Events:
    events = await log.events(streams, upto)
    return {stream: list(each) for stream, each in groupby(events, key=lambda event: event.stream)}


async def _moves(stream: UUID, known: Events, log: PastLog, upto: int) -> AsyncIterator[int]:
    """The positions at which a provider or a service came to another organization."""
    before: UUID | None = None
    for event in known[stream]:
        past = PastStreams(log, event.position, upto, known)
        aggregate = await past.state(stream)
        then = None if aggregate is None else await organization_then(aggregate, past)
        if then != before:
            before = then
            yield event.position


async def _last(organization: UUID, stream: UUID, known: Events, log: PastLog, moves: Sequence[int]) -> int | None:
    """The last version of the stream while it belonged to the organization; None if it never did.

    `moves`: the positions before which what it belongs to may have moved, and the end.
    """
    own = [event.position for event in known[stream]]
    moments = {*moves, *own, *[position - 1 for position in own[1:]]}
    for moment in sorted((each for each in moments if each >= own[0]), reverse=True):
        past = PastStreams(log, moment, max(moves), known)
        aggregate = await past.state(stream)
        if aggregate is not None and await organization_then(aggregate, past) == organization:
            return known[stream][bisect_right(own, moment) - 1].version
    return None
