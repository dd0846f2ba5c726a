"""The time of each page of the admin panel with a million appointments, and what the panel costs bookings."""

from __future__ import annotations

import asyncio
import http.client
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NamedTuple
from urllib.parse import urlencode

from application.access import Role
from bench.tools import admin_town, processes
from bench.tools.clicking import PEOPLE, clicking
from bench.tools.figure import ROUNDS, Figure, Target, Turns
from bench.tools.half_load import half_load
from bench.tools.load import load
from bench.tools.paced import paced
from bench.tools.place import SECRET, Database, Place, Server, caught_up
from bench.tools.town import LENGTH, Bookings, build_shops, opened, request, written
from bench.tools.web import get
from domain.kernel import new_id
from infrastructure.database.row_pool import RowPool
from infrastructure.identity.access_tokens import AccessTokens
from infrastructure.identity.services import TokenKeys, open_identity_services
from infrastructure.jobs.enqueuing import JobEnqueuer
from infrastructure.local.programs import HOST, wait_until
from interfaces.admin.operations import OPERATIONS, id_parameter
from interfaces.admin.routes import MENU
from tests.support.signing import PASSWORD, an_account

EMAIL = "admin@example.org"
CONNECTIONS, BOOKING, HALF_CONNECTIONS = 3, 8, 64
SHOPS = 40
CATCH_UP_WITHIN = 3_600  # seconds
_MOUNTED, _WITHOUT = "panel mounted and unused", "without the panel"
_CLICKED, _CALM = f"{PEOPLE} people click", "nobody clicks"
_TOGETHER, _APART = "panel in the same process", "panel in a process of its own"
Pages = Mapping[str, tuple[str, str]]
"""By name: the address of a page, and of the API's answer with the same rows."""


class Clicks(NamedTuple):
    """Where people click. `cookie`: of their session."""

    port: int
    cookie: str
    paths: Sequence[str]

    def during(self, measure: Callable[[], float]) -> float:
        """What is measured while they click."""
        with clicking(self.port, self.cookie, self.paths):
            return measure()


def run(place: Place, tell: Callable[[str], None]) -> Sequence[Figure]:
    """See the README."""
    with ExitStack() as stack:
        database = admin_town.large_town(place, tell)
        bookings = _bookings(place, database)
        asyncio.run(_admin(database))
        tell("admin: reading them")
        stack.enter_context(place.projector(database))
        assert wait_until(partial(caught_up, database), CATCH_UP_WITHIN)
        with_panel, without = place.together(
            stack, place.api_with({"ADMIN": "true"}, database), place.api_with({"ADMIN": "false"}, database)
        )
        cookie = _sign_in(with_panel.port)
        pages = _pages(with_panel.port)
        figures = list(_of_pages(place, tell, with_panel.port, cookie, pages))
        clicks = Clicks(with_panel.port, cookie, [shown for shown, _ in pages.values()])
        return figures + list(_of_bookings(place, tell, database, bookings, (with_panel, without), clicks))


def _of_pages(place: Place, tell: Callable[[str], None], port: int, cookie: str, pages: Pages) -> Iterator[Figure]:
    """p95 of each page beside that of the API's answer."""
    times, sides, token = place.size(100, 4), dict[str, Callable[[], float]](), _token()
    for name, (shown, answered) in pages.items():
        asked = request("GET", shown, more=f"cookie: {cookie}\r\n")
        control = request("GET", answered, token=token)
        sides[name] = partial(_p95, port, asked, times)
        sides[f"API: {name}"] = partial(_p95, port, control, times)
    for warm_up in sides.values():
        warm_up()
    turns = Turns("admin", sides, place.rounds, tell).take()
    for name in pages:
        yield turns.figure(name, f"API: {name}", "ms, p95")


def _p95(port: int, asked: bytes, times: int) -> float:
    return load(port, [asked], connections=CONNECTIONS, times=times).p95


def _of_bookings(
    place: Place,
    tell: Callable[[str], None],
    database: Database,
    bookings: Bookings,
    servers: tuple[Server, Server],
    clicks: Clicks,
) -> Iterator[Figure]:
    """CPU of a booking where the panel is mounted and unused, and p95 of bookings while people click.

    The panel is a part of the process that takes the bookings, or has one of its own, as in the compose files.
    """
    count, (panel, without) = _count(place), servers

    def full(server: Server) -> float:
        return load(server.port, bookings.take(count), connections=BOOKING, expected=(201,)).p95

    def cost(server: Server) -> float:
        before = processes.cpu(server.pid)
        full(server)
        return (processes.cpu(server.pid) - before) / count * 1e6

    for each in servers:
        full(each)
    half = half_load(database, without.port, bookings.take(count // 2), HALF_CONNECTIONS)

    def by_half(server: Server) -> float:
        taken = bookings.take(count // 2)
        return paced(server.port, taken, per_second=half, connections=HALF_CONNECTIONS, expected=(201,)).p95

    sides = {_MOUNTED: partial(cost, panel), _WITHOUT: partial(cost, without)}
    loads = {f"half load, {half:,.0f} a second": by_half, "as many bookings as it takes": full}
    for name, taken in loads.items():
        for server, where in ((panel, _TOGETHER), (without, _APART)):
            sides[f"{name}, {where}: {_CLICKED}"] = partial(clicks.during, partial(taken, server))
            sides[f"{name}, {where}: {_CALM}"] = partial(taken, server)
    turns = Turns("admin", sides, place.rounds, tell).take()
    yield turns.figure(_MOUNTED, _WITHOUT, "us CPU/booking", Target(1.05, at_most=True))
    for name in loads:
        for where in (_TOGETHER, _APART):
            ours, control = (f"{name}, {where}: {each}" for each in (_CLICKED, _CALM))
            yield turns.figure(ours, control, "ms a booking, p95", Target(1.3, at_most=True))


def _count(place: Place) -> int:
    return place.size(6_000, 64)  # for some forty pages that are clicked meanwhile


def _bookings(place: Place, database: Database) -> Bookings:
    """Of shops of their own, for all sides, rounds and warm-ups."""
    shops, needed = place.size(SHOPS, 4), (8 * ROUNDS + 3) * _count(place)
    return Bookings(build_shops(database, shops), 1 + needed // (shops * 24 * 60 // LENGTH))


def _pages(port: int) -> Pages:
    """Each page of the panel that reads rows."""
    now = datetime.now(UTC)
    today, later = {"from": written(now), "to": written(now + timedelta(days=1))}, f"{now + timedelta(days=1):%Y-%m-%d}"
    listed = f"/v1/appointments?{urlencode(today | {'status': 'booked', 'limit': '50'})}"
    found = {"Today": ("/admin/today", listed)}
    day = {"from": f"{later}T00:00:00Z", "to": f"{now + timedelta(days=2):%Y-%m-%d}T00:00:00Z", "limit": "200"}
    found["Calendar, a day of 50"] = (f"/admin/calendar?date={later}", f"/v1/appointments?{urlencode(day)}")
    for section in [section for _, sections in MENU for section in sections]:
        path = OPERATIONS[section.listing].path
        query = f"?{urlencode(section.given)}" if section.given else ""
        found[f"{section.name}: list"] = (section.path, path + query)
        rows = json.loads(get(port, f"{path}?limit=1", _token()))["items"]
        if section.card and rows:
            card = OPERATIONS[section.card].path.format(**{id_parameter(section.card): rows[0]["id"]})
            found[f"{section.name}: card"] = (f"{section.path}/{rows[0]['id']}", card)
    provider = json.loads(get(port, "/v1/providers?limit=1"))["items"][0]["id"]
    found["Hours"] = (f"/admin/providers/{provider}/hours", f"/v1/providers/{provider}/schedule")
    found["Overview"] = ("/admin/system", OPERATIONS["get_ledger"].path)
    return found


async def _admin(database: Database) -> None:
    async with (
        opened(database) as store,
        RowPool(database.application) as rows,
        open_identity_services(
            database.application, store, JobEnqueuer(rows, store.keyring), TokenKeys(SECRET), rows
        ) as services,
    ):
        await an_account(services.signing, EMAIL, role=Role.ADMIN)


def _sign_in(port: int) -> str:
    """The cookie of the admin's session."""
    connection = http.client.HTTPConnection(HOST, port, timeout=60)
    form = urlencode({"username": EMAIL, "password": PASSWORD})
    headers = {"origin": f"http://{HOST}:{port}", "content-type": "application/x-www-form-urlencoded"}
    connection.request("POST", "/admin/sign-in", form, headers)
    answer = connection.getresponse()
    assert answer.status == 303, answer.read()
    return str(answer.headers["set-cookie"]).partition(";")[0]


def _token() -> str:
    return AccessTokens(SECRET).issue(new_id(), Role.ADMIN)
