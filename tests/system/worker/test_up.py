"""Workers, beat and Flower as `daybook up` starts them: they end with it, and Flower only shows."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import httpx
import pytest

from tests.support.instances import Instance, a_folder, command, family, is_gone, within
from tests.system.worker.crew import SOON, hands_of, kill

ROLES = ("worker", "beat", "flower")


def has_all_hands(worker: int) -> bool:
    return len(hands_of(worker)) == 2


@pytest.fixture(scope="module")
def up() -> Iterator[Instance]:
    with a_folder() as folder, Instance.start(folder, apis=1, workers=1) as instance:
        for worker in instance.pids("worker"):
            within(SOON, lambda: has_all_hands(worker))  # noqa: B023  it is asked at once
        yield instance


@pytest.fixture(scope="module")
def flower(up: Instance) -> Iterator[httpx.Client]:
    """Who does not say who they are."""
    assert up.flower is not None
    with httpx.Client(base_url=up.flower, timeout=180) as client:

        def answers() -> bool:
            try:
                return client.get("/").status_code == 401
            except httpx.TransportError:
                return False

        within(SOON, answers)
        yield client


@pytest.fixture
def known(up: Instance) -> tuple[str, str]:
    """Who may look."""
    return "daybook", (up.data / "flower_password").read_text()


PAGES = ("/", "/workers", "/tasks", "/broker", "/api/workers", "/api/tasks")


@pytest.mark.parametrize("page", PAGES)
def test_flower_shows_nothing_to_strangers_and_all_to_who_knows_the_password(
    flower: httpx.Client, known: tuple[str, str], page: str
) -> None:
    assert flower.get(page).status_code == 401
    assert flower.get(page, auth=("daybook", "wrong")).status_code == 401
    assert flower.get(page, auth=known, follow_redirects=True).status_code == 200


def test_nothing_can_be_done_through_flower(flower: httpx.Client, known: tuple[str, str], up: Instance) -> None:
    within(SOON, lambda: flower.get("/api/workers?refresh=1", auth=known).json())
    name = next(iter(flower.get("/api/workers", auth=known).json()))
    workers = up.pids("worker")
    for path in (
        f"/api/worker/shutdown/{name}",
        f"/api/worker/pool/restart/{name}",
        f"/api/worker/pool/grow/{name}",
        f"/api/worker/queue/add-consumer/{name}?queue=x",
        "/api/task/async-apply/sweep",
        "/api/task/send-task/run",
        "/api/task/apply/sweep",
        "/api/task/revoke/00000000-0000-0000-0000-000000000000",
        "/api/task/rate-limit/sweep",
    ):
        answer = flower.post(path, auth=known, json={"args": []})
        assert answer.status_code == 403, (path, answer.text)
        assert flower.post(path).status_code in {401, 403}
    assert up.pids("worker") == workers


def test_a_worker_that_is_killed_is_started_again_and_its_processes_end_with_it(up: Instance) -> None:
    everybody = {*up.pids("worker")}
    killed = everybody.pop()
    orphans = hands_of(killed)
    os.kill(killed, signal.SIGKILL)
    within(SOON, lambda: len({*up.pids("worker")} - everybody - {killed}) == 1)
    within(SOON, lambda: all(map(is_gone, orphans)))
    (new,) = {*up.pids("worker")} - everybody
    within(SOON, lambda: has_all_hands(new))


@pytest.mark.timeout(900)
def test_after_kill_9_of_all_of_it_no_worker_goes_on() -> None:
    with a_folder() as folder, Instance.start(folder, apis=1, workers=1) as instance:
        for worker in instance.pids("worker"):
            within(SOON, lambda: has_all_hands(worker))  # noqa: B023  it is asked at once
        ours = [pid for role in ROLES for pid in instance.pids(role)]
        ours += [each for pid in ours for each in family(pid)]
        assert len(ours) >= 5, [command(pid) for pid in ours]
        everybody = family(instance.process.process.pid)
        instance.process.kill()
        try:
            within(SOON, lambda: all(map(is_gone, ours)))
        finally:
            kill(*everybody)  # its servers, which the next start in this folder would stop
