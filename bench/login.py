"""Bookings a second during many logins. Hashing a password must not delay other requests."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from urllib.parse import urlencode

import httpx

from bench.tools.figure import ROUNDS, Figure, Target, Turns
from bench.tools.load import load
from bench.tools.place import SECRET, Database, Place
from bench.tools.town import LENGTH, Bookings, build_shops, opened
from infrastructure.database.row_pool import RowPool
from infrastructure.identity.services import TokenKeys, open_identity_services
from infrastructure.jobs.enqueuing import JobEnqueuer
from infrastructure.local.programs import HOST
from tests.support.signing import PASSWORD, an_account

UNIT = "bookings/s"
CONNECTIONS = 64
STORM = 4  # logins in flight all the time
SHOPS = 40
_STORM, _CALM = "during a login storm", "without"


def run(place: Place, tell: Callable[[str], None]) -> Sequence[Figure]:
    """See the README."""
    count = place.size(6_000, 128)
    with ExitStack() as stack:
        database = stack.enter_context(place.database("bench_login"))
        shops = place.size(SHOPS, 4)
        needed = 2 * (ROUNDS + 1) * count
        bookings = Bookings(build_shops(database, shops), 1 + needed // (shops * 24 * 60 // LENGTH))
        asyncio.run(_accounts(database))
        port = stack.enter_context(place.api(database))

        def calm() -> float:
            return load(port, bookings.take(count), connections=CONNECTIONS, expected=(201,)).rate

        def stormy() -> float:
            with _storm(port):
                return calm()

        calm()
        turns = Turns("login", {_STORM: stormy, _CALM: calm}, place.rounds, tell).take()
    return [turns.figure(_STORM, _CALM, unit=UNIT, target=Target(0.7))]


async def _accounts(database: Database) -> None:
    """One for each login in flight, as the API finds them."""
    async with (
        opened(database) as store,
        RowPool(database.application) as rows,
        open_identity_services(
            database.application, store, JobEnqueuer(rows, store.keyring), TokenKeys(SECRET), rows
        ) as signing,
    ):
        for number in range(STORM):
            await an_account(signing.signing, _name(number))


def _name(number: int) -> str:
    return f"customer{number}@example.org"


@contextmanager
def _storm(port: int) -> Iterator[None]:
    """Logins in a process of its own, the next as soon as one is answered; it must have had one each."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.login", str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        assert process.stdout.readline(), "the storm did not begin"
        yield
    finally:
        process.stdin.close()
        said = process.stdout.read()
        assert process.wait(60) == 0, said


async def _sign_in(port: int, number: int, until: asyncio.Event, began: asyncio.Queue[None]) -> None:
    said = {"grant_type": "password", "username": _name(number), "password": PASSWORD}
    head = {"content-type": "application/x-www-form-urlencoded"}
    async with httpx.AsyncClient(base_url=f"http://{HOST}:{port}", timeout=60, trust_env=False) as client:
        while not until.is_set():
            answer = await client.post("/v1/auth/token", content=urlencode(said), headers=head)
            assert answer.status_code == 200, answer.text
            began.put_nowait(None)


async def _keep_signing_in(port: int) -> None:
    until, began = asyncio.Event(), asyncio.Queue[None]()
    everybody = [asyncio.create_task(_sign_in(port, n, until, began)) for n in range(STORM)]
    await began.get()
    print("began", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    until.set()
    await asyncio.gather(*everybody)


if __name__ == "__main__":
    asyncio.run(_keep_signing_in(int(sys.argv[1])))
