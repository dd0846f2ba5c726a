"""What holds for every exchange: problems, headers, bodies that are none."""

import json
import re
from base64 import b64encode
from hashlib import sha256

import httpx
import jwt
import pytest

from application.access import Role
from application.event_log import Unavailable
from domain.kernel import new_id
from infrastructure.settings import Settings
from interfaces.http.app import AppOptions, build
from interfaces.http.main import create_app
from interfaces.http.operations.problem_advice import BY_TYPE
from interfaces.http.operations.problem_type import problem_types
from tests.interfaces.http.town import SECRET, Api, problem
from tests.support.builders import somebody
from tests.support.dump import found_in_database
from tests.support.instances import ask

NEW_PROVIDER = {"name": "Ada", "timezone": "UTC"}
CORRELATIONS = "SELECT DISTINCT metadata ->> 'correlation' FROM log.stored_events"


class TestPaths:
    @pytest.mark.parametrize(
        "path",
        [
            "/v1",
            "/v1/nothing",
            "/v1/../etc/passwd",
            "/%00",
            "/%ff",
            "/v1/" + "a" * 9000,
        ],
    )
    async def test_a_path_that_is_none_is_not_found(self, door: Api, path: str):
        assert problem(await door.ask("GET", path)) == (404, "not-found")

    async def test_a_method_the_path_has_not_names_those_it_has(self, door: Api):
        answer = await door.ask("PUT", "/v1/providers")
        assert problem(answer) == (405, "method-not-allowed")
        assert answer.headers["allow"] == "GET, HEAD, POST"
        assert answer.json()["detail"] == "PUT is not allowed here. Allowed: GET, HEAD, POST."

    async def test_without_a_token_the_caller_is_told_what_to_send(self, door: Api):
        told = (await door.ask("GET", "/v1/me")).json()
        assert told["detail"] == "Send an access token or an API key: `Authorization: Bearer <token>`."

    async def test_what_is_no_id_is_said_to_be_none(self, door: Api):
        answer = await door.get("/v1/appointments/xyz", somebody())
        assert problem(answer) == (404, "not-found")
        assert answer.json()["detail"] == "`xyz` is not an appointment id (UUID)."


class TestBodies:
    @pytest.mark.parametrize(
        "said",
        [
            b"{",
            b"",
            b"null x",
            b'{"name": "A", "timezone": "UTC"} trailing',
            b'{"name": "\xff", "timezone": "UTC"}',
            b'{"name": "\\ud800", "timezone": "UTC"}',
            b'{"name": "A", "timezone": NaN}',
            b'{"location": {"lat": Infinity, "lon": 0}}',
            b"[" * 500_000,
            b'{"a":' * 100_000,
            b'{"price": ' + b"9" * 900_000 + b"}",
            "{}".encode("utf-16"),
            b"\xef\xbb\xbf{}",
            b"[]",
            b'"text"',
            b"1",
            b"null",
        ],
        ids=range(17),
    )
    async def test_what_is_no_json_object_that_fits_is_refused(self, door: Api, said: bytes):
        assert problem(await door.post("/v1/providers", said, somebody(Role.PROVIDER)))[0] in {400, 422}

    async def test_what_is_not_json_is_malformed(self, door: Api):
        answer = await door.post("/v1/providers", b"{oops", somebody(Role.PROVIDER))
        assert problem(answer) == (400, "malformed")

    @pytest.mark.parametrize(
        "media_type",
        ["text/plain", "application/x-www-form-urlencoded", "", "json", "application/json; charset=latin-1"],
    )
    async def test_a_body_says_that_it_is_json(self, door: Api, media_type: str):
        said = json.dumps(NEW_PROVIDER).encode()
        answer = await door.post("/v1/providers", said, somebody(Role.PROVIDER), content_type=media_type)
        assert problem(answer) == (415, "unsupported-media-type")

    async def test_a_body_of_more_than_a_megabyte_is_too_large(self, door: Api):
        answer = await door.post("/v1/providers", b" " * 1_000_001, somebody(Role.PROVIDER))
        assert problem(answer) == (413, "too-large")

    async def test_so_is_one_that_does_not_say_how_long_it_is(self, door: Api):
        by = somebody(Role.PROVIDER)

        async def chunks():
            for _ in range(20):
                yield b" " * 100_000

        token = door.tokens.issue(by.id, by.role)
        headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        answer = await door.client.post("/v1/providers", content=chunks(), headers=headers)
        assert problem(answer) == (413, "too-large")


class TestTokens:
    @pytest.mark.parametrize(
        "told",
        [
            "Bearer",
            "Bearer ",
            "Bearer x",
            "Bearer a.b.c",
            "Basic YTpi",
            "Bearer \u00e9".encode(),
            "Bearer " + "a" * 50_000,
        ],
    )
    async def test_what_is_no_token_of_ours_is_refused_even_where_none_is_needed(self, door: Api, told):
        answer = await door.get("/v1/providers", authorization=told)
        assert problem(answer) == (401, "unauthenticated")
        assert answer.headers["www-authenticate"] == 'Bearer realm="daybook", error="invalid_token"'

    async def test_without_a_token_none_is_called_invalid(self, door: Api):
        answer = await door.get("/v1/me")
        assert problem(answer) == (401, "unauthenticated")
        assert answer.headers["www-authenticate"] == 'Bearer realm="daybook"'

    @pytest.mark.parametrize(
        "changes",
        [
            {"exp": 1},
            {"exp": None},
            {"exp": "soon"},
            {"exp": 10**400},
            {"nbf": 4_000_000_000},
            {"aud": "another"},
            {"iss": "another"},
            {"jti": None},
            {"sub": "root"},
            {"sub": None},
            {"role": "anonymous"},
            {"role": "king"},
            {"role": None},
            {"role": ["admin"]},
        ],
    )
    async def test_every_claim_counts(self, door: Api, changes):
        token = door.tokens.issue(new_id(), Role.ADMIN)
        claims = jwt.decode(token, SECRET, algorithms=["HS256"], audience="daybook") | changes
        forged = jwt.encode({k: v for k, v in claims.items() if v is not None}, SECRET, headers={"typ": "at+jwt"})
        assert problem(await door.get("/v1/providers", authorization=f"Bearer {forged}"))[0] == 401

    async def test_another_kind_of_token_is_none(self, door: Api):
        claims = jwt.decode(door.tokens.issue(new_id(), Role.ADMIN), SECRET, algorithms=["HS256"], audience="daybook")
        refresh = jwt.encode(claims, SECRET, headers={"typ": "rt+jwt"})
        unsigned = jwt.encode(claims, None, algorithm="none", headers={"typ": "at+jwt"})
        for token in (refresh, unsigned):
            assert problem(await door.get("/v1/providers", authorization=f"Bearer {token}"))[0] == 401


class TestHeaders:
    async def test_a_request_keeps_the_id_it_came_with(self, api: Api):
        answer = await api.get("/v1/providers", x_request_id="abc-123")
        assert answer.headers["x-request-id"] == "abc-123"

    @pytest.mark.parametrize("id", ["", "a b", "x" * 129, "\u00e9".encode(), "a;b"])
    async def test_or_gets_a_good_one(self, door: Api, id):
        answer = await door.get("/health/live", x_request_id=id)
        assert len(answer.headers["x-request-id"]) == 32

    async def test_the_id_is_on_problems_and_in_the_log(self, api: Api, database):
        refused = await api.post("/v1/providers", {}, x_request_id="lost")
        assert refused.headers["x-request-id"] == "lost"
        owner = somebody(Role.PROVIDER)
        id = str(new_id())
        await api.post("/v1/providers", NEW_PROVIDER, owner, x_request_id=id)
        assert ask(database.application, CORRELATIONS) == [(id,)]

    @pytest.mark.parametrize("id", ["ada@example.org", "+4915112345678", "Ada.Lovelace"])
    async def test_an_id_that_may_be_personal_is_answered_and_not_recorded(
        self, api: Api, database, id: str, capsys: pytest.CaptureFixture[str]
    ):
        owner = somebody(Role.PROVIDER)
        for _ in range(2):
            answer = await api.post("/v1/providers", NEW_PROVIDER, owner, x_request_id=id)
            assert answer.headers["x-request-id"] == id
        said = {"email": "bea@example.org", "password": "a ship in port is safe", "name": "Bea"}
        assert (await api.post("/v1/auth/register", said, x_request_id=id)).status_code == 202
        await api.people.work()
        assert found_in_database(database.owner, [id]) == set()
        ((recorded,),) = ask(database.application, CORRELATIONS)
        assert ask(database.application, "SELECT correlation FROM work.job") == [(recorded,)]
        assert id not in "".join(capsys.readouterr())

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", "/health/live"),
            ("GET", "/openapi.json"),
            ("GET", "/v1/nothing"),
            ("GET", "/v1/me"),
            ("TRACE", "/v1/providers"),
            ("POST", "/v1/auth/token"),
        ],
    )
    async def test_browsers_run_load_frame_and_keep_nothing(self, door: Api, method: str, path: str):
        answer = await door.ask(method, path)
        policy = answer.headers["content-security-policy"].split("; ")
        assert {"default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "sandbox"} <= set(policy)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert not {"set-cookie", "server", "strict-transport-security"} & set(answer.headers)

    async def test_where_people_come_by_https_browsers_keep_to_it(self):
        transport = httpx.ASGITransport(build(options=AppOptions(https=True)))
        async with httpx.AsyncClient(transport=transport, base_url="https://daybook.test") as web:
            for path in ("/docs", "/v1/nothing"):
                told = (await web.get(path)).headers.get_list("strict-transport-security")
                assert told == ["max-age=31536000; includeSubDomains"]

    def test_where_people_come_by_https_is_in_the_public_url(self):
        key = "k" * 40
        for url, https in {"https://daybook.test": True, "http://daybook.test": False}.items():
            app = create_app(Settings(secret_key=key, master_key=key, public_url=url))  # type: ignore[arg-type]
            assert app.state.options.https is https

    async def test_the_page_of_the_documentation_runs_its_own_scripts_alone(self, door: Api):
        answer = await door.get("/docs")
        (policy,) = answer.headers.get_list("content-security-policy")
        assert "SwaggerUIBundle" in answer.text
        (script,) = re.findall(r"<script>(.*?)</script>", answer.text, re.DOTALL)
        digest = b64encode(sha256(script.encode()).digest()).decode()
        assert f"script-src 'self' 'sha256-{digest}';" in policy
        for name, kind in {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css"}.items():
            assert f'"/docs/{name}"' in answer.text
            part = await door.get(f"/docs/{name}")
            assert (part.status_code, part.headers["content-type"]) == (200, kind)
        assert {"default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"} <= set(policy.split("; "))

    async def test_what_is_somebodys_is_not_stored(self, api: Api):
        answer = await api.get("/v1/appointments", somebody())
        assert answer.headers["cache-control"] == "no-store"


class TestOutages:
    async def test_a_log_that_can_not_answer_says_when_to_come_again(self, api: Api):
        await api.ports.store.journal.close()
        answer = await api.post("/v1/providers", NEW_PROVIDER, somebody(Role.PROVIDER))
        assert problem(answer) == (503, Unavailable.__name__.lower())
        assert int(answer.headers["retry-after"]) >= 1


class TestFaults:
    async def test_what_went_wrong_here_is_in_the_log_and_not_in_the_answer(self, door: Api):
        answer = await door.get("/v1/providers")  # there are no read models to ask
        assert problem(answer) == (500, "unexpected")
        assert answer.json()["detail"] == "Something went wrong here, not with your request."
        assert "read model" not in answer.text


class TestProblemType:
    async def test_every_problem_can_be_looked_up(self, door: Api):
        told = (await door.get("/problems/slot-taken")).json()
        assert told == {
            "type": "/problems/slot-taken",
            "title": "This time is no longer free.",
            "status": 409,
            "description": "This time is no longer free. "
            "The request is valid, but the present state of a resource forbids it.",
            "what_to_do": "Ask GET /v1/availability for free starts again, and book another one.",
        }
        refused = (await door.post("/v1/providers", {})).json()
        assert (await door.get(refused["type"])).json()["title"] == refused["title"]

    async def test_all_are_listed_and_say_what_to_do(self, door: Api):
        listed = (await door.get("/problems")).json()["items"]
        assert {each["type"] for each in listed} == {each["type"] for each in problem_types().values()}
        for each in listed:
            assert (await door.get(each["type"])).json() == each
            assert each["what_to_do"].endswith(".")
            assert each["description"].startswith(each["title"])
            assert len(each["description"]) > len(each["title"])
        assert BY_TYPE.keys() <= problem_types().keys()

    async def test_a_problem_we_do_not_have_is_not_found(self, door: Api):
        assert problem(await door.get("/problems/none")) == (404, "not-found")
