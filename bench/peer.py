"""How many bookings and free times a second, beside django-appointment, which people choose for the same work?"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import chain, count, cycle, islice
from pathlib import Path
from urllib.parse import urlencode

from psycopg.conninfo import conninfo_to_dict

from bench.slots import distinct
from bench.tools import processes
from bench.tools.cost import both, cost_of, measured, rate_of
from bench.tools.figure import Figure, LeftOut, Measured, Turns
from bench.tools.load import load
from bench.tools.place import Database, Place, Server, caught_up
from bench.tools.town import MIX, Bookings, build_shops, first_monday
from infrastructure.local.programs import wait_until
from infrastructure.settings import inherited

CONNECTIONS = 16
"""As many as the peer has threads."""
SHOPS, CUSTOMERS = 40, 256
HERE = Path(__file__).parent / "controls/peer"
ENVIRONMENT = HERE.parents[2] / ".cache/peer"
SERVED = ("-m", "gunicorn", "wsgi", "--workers", "2", "--threads", "8", "--log-level", "warning", "--bind")
_OURS, _PEER = "API", "django-appointment, gunicorn 2 x 8"
_CACHED, _FRESH, _DAY = "API, a week, cached", "API, a week, no cache", "django-appointment, a day"


def run(place: Place, tell: Callable[[str], None]) -> Sequence[Figure]:
    """See the README. Raises LeftOut where its packages cannot be installed."""
    tell("peer: installing its packages")
    _install()
    with ExitStack() as stack:
        ours, theirs = _ours(place, stack), _theirs(place, stack)
        booked, told = ({**ours[n], **theirs[n]} for n in (0, 1))
        for warm_up in (*booked.values(), *told.values()):
            warm_up()
        bookings = Turns("peer", booked, place.rounds, tell).take()
        times = Turns("peer", told, place.rounds, tell).take()
    pairs = (_CACHED, 100), (_FRESH, 25)
    return [
        *both(bookings, "booking", _OURS, _PEER, 20),
        *chain(*(both(times, "answer", each, _DAY, target) for each, target in pairs)),
    ]


Sides = tuple[Mapping[str, Callable[[], Measured]], Mapping[str, Callable[[], Measured]]]
"""Those that book, and those that tell free times."""


def _install() -> None:
    """The locked packages, into an environment of their own."""
    uv = str(Path(sys.executable).with_name("uv"))
    command = [uv, "sync", "--quiet", "--locked", "--project", str(HERE), "--python", sys.executable]
    settings = inherited() | {"UV_PROJECT_ENVIRONMENT": str(ENVIRONMENT)}
    try:
        run = subprocess.run(command, env=settings, capture_output=True, text=True, check=False, timeout=300)
    except (FileNotFoundError, subprocess.TimeoutExpired) as failed:
        raise LeftOut(f"the packages of django-appointment were not installed: {failed}") from failed
    if run.returncode:
        raise LeftOut(f"the packages of django-appointment were not installed: {run.stderr.strip()}")


def _ours(place: Place, stack: ExitStack) -> Sides:
    number, weeks, seconds = place.size(3_000, 64), place.size(8_000, 64), count()
    database = stack.enter_context(place.database("bench_peer_ours"))
    shops = build_shops(database, place.size(SHOPS, 4))
    bookings = Bookings(shops, 1 + (place.rounds + 1) * number // (48 * len(shops)))
    stack.enter_context(place.projector(database))
    api, fresh = place.together(stack, place.api_with({}, database), place.api_with({}, database, redis=False))
    pids = (api.pid, place.postmaster, place.valkey)
    (week,) = distinct(shops[0], 1, seconds)

    def book() -> Measured:
        requests = bookings.take(number, MIX)
        return measured("booking", pids, partial(load, api.port, requests, connections=CONNECTIONS, expected=(201,)))

    def cached() -> Measured:
        return measured("answer", pids, partial(load, api.port, [week], connections=CONNECTIONS, times=weeks))

    def uncached() -> Measured:
        asked = distinct(shops[0], weeks // 8, seconds)
        send = partial(load, fresh.port, asked, connections=CONNECTIONS)
        return measured("answer", (fresh.pid, place.postmaster), send)

    assert wait_until(partial(caught_up, database), 60)
    return {_OURS: book}, {_CACHED: cached, _FRESH: uncached}


@dataclass(frozen=True)
class Peer:
    """A django-appointment that runs. `wishes`: its forms, each with the cookie of a customer."""

    server: Server
    pids: tuple[int, ...]
    service: int
    staff: Sequence[int]
    wishes: Iterator[tuple[Mapping[str, object], str]]

    def book(self, number: int) -> Mapping[str, float]:
        """First a form with the time, whose answer leads to one with the customer's data."""
        some = list(islice(self.wishes, number))
        cookies = [cookie for _, cookie in some]
        sent = partial(load, self.server.port, connections=CONNECTIONS, expected=(302,))
        before = processes.cpu(*self.pids)
        asked = sent([_form("/appointment/request-submit/", *wish) for wish in some], keep=True)
        about = {
            "name": "Ben",
            "email": "ben@peer.test",
            "phone_0": "US",
            "phone_1": "2015550123",
            "address": "",
            "payment_type": "full",
        }
        about["additional_info"] = str(MIX["note"])
        paths = [_location(answer) for answer in asked.answers]
        told = sent([_form(path, about, cookie) for path, cookie in zip(paths, cookies, strict=True)])
        spent = processes.cpu(*self.pids) - before
        return {
            rate_of("booking"): number / (asked.seconds + told.seconds),
            cost_of("booking"): 1e6 * spent / number,
        }

    def tell(self, number: int) -> Mapping[str, float]:
        """The free times of one day."""
        day = f"selected_date={first_monday().date()}&staff_member={self.staff[0]}&service_id={self.service}"
        head = f"GET /appointment/ajax/available_slots/?{day} HTTP/1.1\r\nhost: 127.0.0.1\r\n"
        asked = [f"{head}x-requested-with: XMLHttpRequest\r\n\r\n".encode()]
        return measured(
            "answer", self.pids, partial(load, self.server.port, asked, connections=CONNECTIONS, times=number)
        )


def _theirs(place: Place, stack: ExitStack) -> Sides:
    number, days = place.size(300, 32), place.size(400, 32)
    database = stack.enter_context(place.database("bench_peer"))
    there, program = _environment(database), str(ENVIRONMENT / "bin/python")
    command = [program, str(HERE / "prepare.py"), str(place.size(SHOPS, 4)), str(place.size(CUSTOMERS, 32))]
    made = subprocess.run(command, env=there, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    found = json.loads(made.stdout.splitlines()[-1])  # it logs to the same place
    server = stack.enter_context(place.foreign([program, *SERVED], there))
    wishes = _wishes(found["service"], found["staff"], found["cookies"])
    peer = Peer(server, (server.pid, place.postmaster), found["service"], found["staff"], wishes)
    return {_PEER: partial(peer.book, number)}, {_DAY: partial(peer.tell, days)}


def _environment(database: Database) -> Mapping[str, str]:
    where = conninfo_to_dict(database.owner)
    names = {"NAME": "dbname", "HOST": "host", "PORT": "port", "USER": "user", "PASSWORD": "password"}
    django = {"DJANGO_SETTINGS_MODULE": "settings", "PYTHONPATH": str(HERE)}
    return inherited() | django | {f"PEER_{name}": str(where[key]) for name, key in names.items()}


def _wishes(service: int, staff: Sequence[int], cookies: Sequence[str]) -> Iterator[tuple[Mapping[str, object], str]]:
    """A time of its own each."""
    everybody = cycle(cookies)
    for number in count():
        for member in staff:
            start: datetime = first_monday() + number * timedelta(minutes=30)
            end = start + timedelta(minutes=30) if start.hour < 23 else start + timedelta(minutes=29)
            times = {"start_time": f"{start:%H:%M}", "end_time": f"{end:%H:%M}"}
            yield {"date": f"{start:%Y-%m-%d}", **times, "service": service, "staff_member": member}, next(everybody)


def _form(path: str, fields: Mapping[str, object], cookie: str) -> bytes:
    body = urlencode(fields)
    head = f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncookie: {cookie}\r\n"
    head += f"content-type: application/x-www-form-urlencoded\r\ncontent-length: {len(body)}\r\n\r\n"
    return (head + body).encode()


def _location(answer: str) -> str:
    head = answer.partition("\r\n\r\n")[0].split("\r\n")
    return next(line.partition(":")[2].strip() for line in head if line.lower().startswith("location:"))
