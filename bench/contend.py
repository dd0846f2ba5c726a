"""How many decisions a second when 64 clients want the same day of one provider? And are they right?"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise

import psycopg

from application.access import Role
from bench.controls.crud import table as crud
from bench.tools.figure import Figure, Turns
from bench.tools.load import load
from bench.tools.place import APPLICATION, SECRET, Database, Place
from bench.tools.town import Shop, booking, build_shops, first_monday
from domain.booking.calendar_day import Day
from domain.kernel import new_id
from infrastructure.event_log.event_codec import decode
from infrastructure.identity.access_tokens import AccessTokens

CLIENTS = 64
LENGTHS = (15, 30, 45, 60, 90)  # minutes
_ONE, _TWO, _CRUD = "one API process", "two API processes", "FastAPI + SQLAlchemy insert"

Stretch = tuple[datetime, datetime]


class WrongWinners(AssertionError):
    """A decision that was wrong: two who overlap, or one refused who had place."""


@dataclass(frozen=True)
class Fight:
    """Requests for one provider's day, and the stretch that each wants."""

    shop: Shop
    requests: Sequence[bytes]
    wanted: Sequence[Stretch]


def run(place: Place, tell: Callable[[str], None]) -> Sequence[Figure]:
    """See the README."""
    repeats, rounds = place.size(4, 1), place.rounds
    with ExitStack() as stack:
        enter = stack.enter_context
        database, plain = enter(place.database("bench_contend")), enter(place.database("bench_contend_crud"))
        shops = build_shops(database, 3 * (rounds + 1), LENGTHS, step=15)
        durations = {id: minutes for shop in shops for id, minutes in zip(shop.services, LENGTHS, strict=True)}
        crud.build(plain.owner, durations, APPLICATION)
        control = enter(place.app("bench.controls.crud.app:app", plain)).port
        apis = place.together(stack, place.api(database), place.api(database))
        fights = (_fight(shop, repeats, place.size(24, 4)) for shop in shops)
        sides = {
            _ONE: partial(_decisions, apis[:1], fights, partial(_in_log, database)),
            _TWO: partial(_decisions, apis, fights, partial(_in_log, database)),
            _CRUD: partial(_decisions, [control], fights, partial(_in_table, plain)),
        }
        for warm_up in sides.values():
            warm_up()
        turns = Turns("contend", sides, rounds, tell).take()
    return [turns.figure(each, _CRUD, "decisions/s") for each in (_ONE, _TWO)]


def _fight(shop: Shop, repeats: int, hours: int) -> Fight:
    """Every length at every quarter of an hour of the day's first hours, several times, in random order."""
    chance, midnight, tokens = random.Random(4711), first_monday(), AccessTokens(SECRET)
    callers = [tokens.issue(new_id(), Role.CUSTOMER) for _ in range(CLIENTS)]
    wishes = [
        (service, midnight + timedelta(minutes=15 * n), length)
        for service, length in zip(shop.services, LENGTHS, strict=True)
        for n in range((hours * 60 - length) // 15 + 1)
    ] * repeats
    chance.shuffle(wishes)
    requests = [booking(chance.choice(callers), shop.provider_id, service, start) for service, start, _ in wishes]
    return Fight(shop, requests, [(start, start + timedelta(minutes=length)) for _, start, length in wishes])


def _decisions(ports: Sequence[int], fights: Iterator[Fight], kept: Callable[[Shop], list[Stretch]]) -> float:
    """Decisions per second, each of which is looked at afterwards."""
    fight = next(fights)
    outcome = load(ports, fight.requests, connections=CLIENTS, expected=(201, 409))
    check(fight.wanted, outcome.statuses, kept(fight.shop))
    return outcome.rate


def check(wanted: Sequence[Stretch], statuses: Sequence[int], kept: Sequence[Stretch]) -> None:
    """The winners are those that are kept, no two overlap, and no loser had place; else WrongWinners."""
    won = sorted(stretch for stretch, status in zip(wanted, statuses, strict=True) if status == 201)
    if won != sorted(kept):
        raise WrongWinners(f"{len(won)} were told that they won, {len(kept)} are kept")
    if any(later[0] < earlier[1] for earlier, later in pairwise(won)):
        raise WrongWinners("two winners overlap")
    for start, end in set(wanted):
        if not any(since < end and start < until for since, until in won):
            raise WrongWinners(f"{start}-{end} is free, but all its requests were refused")


def _in_log(database: Database, shop: Shop) -> list[Stretch]:
    """From the events of the provider's day."""
    day = Day.id_of(shop.provider_id, first_monday().date())
    query = b"""SELECT topic, state, originator_id, originator_version FROM log.stored_events
        WHERE originator_id = %s ORDER BY originator_version"""
    with psycopg.connect(database.owner) as connection:
        events = [decode(*row) for row in connection.execute(query, [day])]
    return [(each.since, each.until) for each in events if isinstance(each, Day.Reserved)]


def _in_table(database: Database, shop: Shop) -> list[Stretch]:
    query = b"SELECT lower(during), upper(during) FROM appointment WHERE provider_id = %s"
    with psycopg.connect(database.owner) as connection:
        return list(connection.execute(query, [shop.provider_id]))
