"""The document keeps its word: generated requests against the API as it is started, on real servers."""

import asyncio
import itertools
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import AsyncConnectionPool
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks
from schemathesis.core.control import SkipTest
from schemathesis.generation.feedback import FeedbackSources
from schemathesis.pytest._test_builder import build_operation_test
from schemathesis.python._constants.orchestrator import make_constants_value_source
from schemathesis.specs.openapi.checks import ignored_auth, missing_required_header, positive_data_acceptance
from sqlalchemy.ext.asyncio import create_async_engine

from application.access import ACCESS
from infrastructure.settings import Settings
from interfaces.http.main import create_app
from projections.availability.earliest_refresher import EarliestRefresher
from projections.engine.projector import Projector
from projections.registry import PROJECTIONS
from tests.interfaces.http.openapi.committed import DOCUMENT
from tests.interfaces.http.openapi.conformance_town import PEOPLE, ConformanceTown, headers_of, settle
from tests.interfaces.http.town import SECRET
from tests.support.hypothesis_profiles import examples
from tests.support.sealed import CODEC
from tests.support.waiting import PATIENCE


@pytest.fixture(scope="module")
def address(servers, new_database) -> Iterator[str]:
    """Where the API and a projector run."""
    database = new_database()
    place = conninfo_to_dict(database.application)
    said = Settings(
        db_host=place["host"],
        db_port=place["port"],
        db_name=place["dbname"],
        db_user=place["user"],
        db_pass=place["password"],
        redis_url=servers.redis_url,
        secret_key=SECRET,
        api_stream_seconds=0.5,  # an answer without an end could not be checked
    )
    server = uvicorn.Server(uvicorn.Config(create_app(said), port=0, log_level="warning"))

    async def serve() -> None:
        engine = create_async_engine(database.url)
        pool = AsyncConnectionPool(
            database.application, min_size=0, max_size=1, open=False, kwargs={"autocommit": True}
        )
        async with pool:
            projector = Projector(engine, PROJECTIONS, CODEC, None, [EarliestRefresher(pool)])
            following = asyncio.create_task(projector.run())
            await server.serve()
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)
        await engine.dispose()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    ready = threading.Event()
    while not server.started:
        assert thread.is_alive()
        ready.wait(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def readiness(address: str) -> Any:
    """What it says of itself before anything has happened: later jobs wait, since no worker runs."""
    return httpx.get(f"{address}/health/ready", timeout=PATIENCE).json()


@pytest.fixture(scope="module")
def town(address: str, readiness: Any) -> ConformanceTown:
    return settle(address)


described = schemathesis.openapi.from_dict(DOCUMENT)
OPERATIONS = {each.ok().label: each.ok() for each in described.get_all_operations()}
# `make test-system` plays ten times as many.
bounded = settings(max_examples=examples(6), derandomize=True, suppress_health_check=list(HealthCheck), database=None)
# A body that fits the schema may still name a zone or hours that do not exist; without If-Match the answer is
# 428, which the check does not know; and who may do what has tests of its own.
BEYOND_SCHEMAS = [positive_data_acceptance, missing_required_header, ignored_auth]


# The server runs in a thread of this process, and makes its own random choices while cases are drawn.
pytestmark = [
    pytest.mark.hypothesis,
    pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies"),
]


def _cases() -> Iterator[Any]:
    """Each operation as everybody; in the quick part, as one of those who may do it, in turns."""
    for number, (label, operation) in enumerate(OPERATIONS.items()):
        grants = ACCESS[operation.definition.raw["operationId"]]
        permitted = [name for name, caller in PEOPLE.items() if caller.role in grants]
        quick = permitted[number % len(permitted)]
        for name in PEOPLE:
            limits = number % 4 == 0  # those of every field are most of the work: left to `make test-system`
            marks = [] if name == quick else [pytest.mark.long]
            yield pytest.param(label, name, limits, marks=marks, id=f"{label} as {name}")


@pytest.mark.parametrize(("label", "name", "limits"), list(_cases()))
def test_every_answer_is_one_that_is_described(label: str, name: str, limits: bool, town: ConformanceTown) -> None:
    """Play what schemathesis makes of an operation: its examples, its limits, and what chance finds.

    Two of three valid requests are about things that exist. `described.parametrize()` would make all of this for all
    operations whenever tests are collected, in each process.
    """
    headers, count = headers_of(name), itertools.count()

    def play(case: schemathesis.Case) -> None:
        valid = case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE
        known = {each: town.ids[each] for each in case.path_parameters or {} if each in town.ids}
        if valid and known and next(count) % 3:
            case.path_parameters = {**case.path_parameters, **known}
        checked = {"excluded_checks": BEYOND_SCHEMAS, "timeout": PATIENCE}
        case.call_and_validate(base_url=town.address, headers=headers, **checked)

    load_all_checks()
    described.config.phases.coverage.enabled = limits or examples(1) > 1
    feedback = FeedbackSources(constants_value_source=make_constants_value_source(described))
    test = build_operation_test(
        config=described.config,
        operation=OPERATIONS[label],
        test_func=bounded(play),
        given_kwargs={},
        feedback=feedback,
    )
    try:
        test()
    except SkipTest as nothing:  # as the plugin does: there is no request that the schema forbids
        pytest.skip(str(nothing))


@pytest.mark.long
@pytest.mark.parametrize("name", ["owner", "customer", "admin"])
def test_what_was_created_is_found_by_the_links_of_its_answer(name: str, town: ConformanceTown) -> None:
    """Requests follow the links of answers: what a creation answers is read, changed and deleted."""
    headers = headers_of(name)

    class Machine(described.as_state_machine()):  # type: ignore[misc]  # a class that is made
        def get_call_kwargs(self, case: schemathesis.Case) -> dict[str, Any]:
            return {"headers": headers, "base_url": town.address, "timeout": PATIENCE}

        def validate_response(self, response: Any, case: schemathesis.Case, **more: Any) -> None:
            case.validate_response(response, headers=headers, excluded_checks=BEYOND_SCHEMAS)

    load_all_checks()
    run_state_machine_as_test(Machine, settings=settings(bounded, max_examples=examples(10), stateful_step_count=12))


def test_an_api_that_has_started_is_ready(readiness: Any) -> None:
    checks = readiness["checks"]
    assert readiness["status"] == "ready", checks
    assert set(checks) == {"database", "migrations", "read_models", "lag", "jobs", "zones", "redis"}
