"""The document keeps its word: generated requests against the API as it is started, on real servers."""

import asyncio
import threading
from collections.abc import Iterator

import httpx
import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, settings
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import AsyncConnectionPool
from schemathesis.specs.openapi.checks import ignored_auth, missing_required_header, positive_data_acceptance
from sqlalchemy.ext.asyncio import create_async_engine

from application.access import Role
from domain.kernel import new_id
from infrastructure.identity.access_tokens import AccessTokens
from infrastructure.settings import Settings
from interfaces.http.app import document
from interfaces.http.main import create_app
from projections.availability.earliest_refresher import EarliestRefresher
from projections.engine.projector import Projector
from projections.registry import PROJECTIONS
from tests.interfaces.http.town import SECRET
from tests.support.sealed import CODEC


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
        db_password=place["password"],
        redis_url=servers.redis_url,
        secret_key=SECRET,
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


described = schemathesis.openapi.from_dict(document())
bounded = settings(
    max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None
)
# A body that fits the schema may still name a zone or hours that do not exist; without If-Match the answer is
# 428, which the check does not know; and who may do what has tests of its own.
BEYOND_SCHEMAS = [positive_data_acceptance, missing_required_header, ignored_auth]


# The server runs in a thread of this process, and makes its own random choices while cases are drawn.
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")


@described.parametrize()
@bounded
def test_every_answer_to_an_admin_is_one_that_is_described(case, address: str):
    headers = {"Authorization": f"Bearer {AccessTokens(SECRET).issue(new_id(), Role.ADMIN)}"}
    case.call_and_validate(base_url=address, headers=headers, excluded_checks=BEYOND_SCHEMAS)


@described.parametrize()
@bounded
def test_every_answer_to_nobody_is_one_that_is_described(case, address: str):
    case.call_and_validate(base_url=address, excluded_checks=BEYOND_SCHEMAS)


def test_an_api_that_has_started_is_ready(address: str):
    answer = httpx.get(f"{address}/health/ready")
    checks = answer.json()["checks"]
    assert answer.json()["status"] == "ready", checks
    assert set(checks) == {"database", "migrations", "lag", "jobs", "redis"}
