"""Sessions of the panel, and what protects its forms."""

from http.cookies import SimpleCookie

import psycopg
import pyotp
import pytest
import structlog

from application.access import Caller, Role
from interfaces.admin.cookies import form_token
from interfaces.admin.main import panel_of
from interfaces.admin.page import HEADERS
from interfaces.admin.routes import panel_routes
from tests.conftest import Database
from tests.interfaces.admin.browser import ORIGIN, Browser, a_session, hidden
from tests.interfaces.http.town import Api, Town
from tests.support.instances import eventually
from tests.support.signing import PASSWORD, an_account, change, one_time_code

ADA = "ada@example.org"


@pytest.fixture
async def ada(api: Api) -> Caller:
    return Caller(await an_account(api.ports.identity.signing, ADA, role=Role.ADMIN), Role.ADMIN)


async def test_a_password_opens_a_session_that_is_listed_and_ended(api: Api, ada: Caller) -> None:
    browser = Browser(api)
    sent_away = await browser.get("/admin/customers?q=ada")
    assert (sent_away.status_code, sent_away.headers["location"]) == (
        303,
        "/admin/sign-in?next=%2Fadmin%2Fcustomers%3Fq%3Dada",
    )
    entered = await browser.sign_in(ADA, next="/admin/customers?q=ada")
    assert (entered.status_code, entered.headers["location"]) == (303, "/admin/customers?q=ada")
    assert (await browser.get("/admin/customers")).status_code == 200
    (session,) = await api.ports.identity.signing.sessions.of(ada.account)
    assert session.client.startswith("Admin panel: ")
    assert (await browser.post("/admin/sign-out", {"csrf": form_token(browser.cookies["daybook"])})).status_code == 303
    assert await api.ports.identity.signing.sessions.of(ada.account) == []


async def test_a_wrong_password_keeps_the_address_and_counts(api: Api, ada: Caller) -> None:
    browser = Browser(api)
    answers = [await browser.sign_in(ADA, "not the password at all") for _ in range(6)]
    assert [each.status_code for each in answers] == [401] * 5 + [429]
    assert f'value="{ADA}"' in answers[0].text
    assert "daybook" not in browser.cookies


@pytest.mark.parametrize("after", ["https://elsewhere.test/admin", "//elsewhere.test", "/v1/me", "javascript:1"])
async def test_signing_in_leads_nowhere_else(api: Api, ada: Caller, after: str) -> None:
    assert (await Browser(api).sign_in(ADA, next=after)).headers["location"] == "/admin"


async def test_an_account_with_one_time_codes_is_asked_for_one(api: Api, ada: Caller) -> None:
    begun = (await api.post("/v1/auth/totp", {"password": PASSWORD}, ada)).json()
    totp = pyotp.TOTP(begun["secret"])
    code = await one_time_code(totp, api.ports.store.now, -1)
    assert (await api.post("/v1/auth/totp/confirm", {"code": code}, ada)).status_code == 200
    browser = Browser(api)
    asked = await browser.sign_in(ADA)
    assert asked.status_code == 401
    assert 'name="totp"' in asked.text
    assert (await browser.sign_in(ADA, totp="000000")).status_code == 401
    assert (await browser.sign_in(ADA, totp=totp.at(api.ports.store.now()))).status_code == 303


@pytest.mark.parametrize("role", [Role.CUSTOMER, Role.ANALYST])
async def test_people_without_a_calendar_get_no_session(api: Api, role: Role) -> None:
    account = await an_account(api.ports.identity.signing, ADA, role=role)
    browser = Browser(api)
    assert (await browser.sign_in(ADA)).status_code == 403
    assert browser.cookies == {}
    assert await api.ports.identity.signing.sessions.of(account) == []


async def test_role_and_standing_count_as_they_are_now(api: Api, ada: Caller) -> None:
    browser = await a_session(api, ada.account)
    assert (await browser.get("/admin/accounts")).status_code == 200
    await change(api.ports.store, ada.account, "role", "provider")  # type: ignore[arg-type]
    assert (await browser.get("/admin/accounts")).status_code == 403
    assert (await browser.get("/admin/appointments")).status_code == 200
    await change(api.ports.store, ada.account, "disable")  # type: ignore[arg-type]
    assert (await browser.get("/admin/appointments")).status_code == 303


@pytest.mark.parametrize(
    ("moved", "status"),
    [
        ("used_at = used_at - interval '29 min', expires_at = expires_at - interval '29 min'", 200),
        ("used_at = used_at - interval '31 min', expires_at = expires_at - interval '31 min'", 303),
        ("created_at = created_at - interval '11:59:00', used_at = used_at - interval '2 min'", 200),
        ("created_at = created_at - interval '12:01:00', expires_at = created_at - interval '1 min'", 303),
    ],
)
async def test_a_session_ends_half_an_hour_after_its_last_request(
    api: Api, ada: Caller, database: Database, moved: str, status: int
) -> None:
    browser = await a_session(api, ada.account)
    with psycopg.connect(database.owner) as connection:
        connection.execute(f"UPDATE auth.session SET {moved}")  # type: ignore[arg-type]
    assert (await browser.get("/admin/appointments")).status_code == status
    with psycopg.connect(database.owner) as connection:
        bounds = "expires_at <= created_at + interval '12 h', expires_at > now() + interval '29 min'"
        within, renewed = connection.execute(f"SELECT {bounds} FROM auth.session").fetchone()  # type: ignore[misc]
    assert within or status == 303
    assert renewed or status == 303 or "11:59" in moved


async def test_the_cookie_opens_nothing_of_the_api_and_a_token_nothing_here(api: Api, ada: Caller) -> None:
    browser = await a_session(api, ada.account)
    secret = browser.cookies["daybook"]
    for path in ("/v1/me", "/v1/users", "/v1/appointments"):
        assert (await browser.get(path)).status_code == 401
        assert (await browser.get(path, authorization=f"Bearer {secret}")).status_code == 401
    assert (await api.post("/v1/auth/refresh", {"refresh_token": secret})).status_code == 401
    token = api.tokens.issue(ada.account, Role.ADMIN)
    assert (await Browser(api).get("/admin/appointments", authorization=f"Bearer {token}")).status_code == 303
    assert (await Browser(api, {"daybook": token}).get("/admin/appointments")).status_code == 303


async def test_a_form_without_the_token_of_its_session_is_refused(town: Town) -> None:
    api, booked = town.api, await town.booked()
    ours, other = await a_session(api, town.owner.account), await a_session(api, town.admin.account)
    card, path = f"/admin/appointments/{booked['id']}", f"/admin/appointments/{booked['id']}/cancel-appointment"
    form = {**await ours.form(card, path), "reason": "Ill."}
    theirs = form_token(other.cookies["daybook"])
    for csrf in ("", theirs, "x" * 64):
        assert (await ours.post(path, {**form, "csrf": csrf})).status_code == 403
    for origin in ("http://elsewhere.test", "null", ""):
        assert (await ours.post(path, form, origin=origin)).status_code == 403
    planted = Browser(api, {"daybook": "planted"})
    assert (await planted.post(path, {**form, "csrf": form_token("planted")})).status_code == 401
    twice = await api.client.request(
        "POST", path, data=form, headers={"origin": ORIGIN, "cookie": f"daybook=x; daybook={ours.cookies['daybook']}"}
    )
    assert twice.status_code == 401
    assert (await api.get(f"/v1/appointments/{booked['id']}", town.admin)).json()["status"] == "booked"
    done = await ours.post(path, form)
    assert (done.status_code, done.headers["location"].split("?")[0]) == (303, card)


async def test_denials_are_in_the_security_log(town: Town) -> None:
    auditor = Caller(await an_account(town.api.ports.identity.signing, ADA, role=Role.AUDITOR), Role.AUDITOR)
    browser = await a_session(town.api, town.owner.account)
    assert (await browser.get("/admin/accounts")).status_code == 403

    async def noted() -> bool:
        events = (await town.api.get("/v1/audit/security?kind=denied", auditor)).json()["items"]
        theirs = [each for each in events if each["account_id"] == str(town.owner.id)]
        return "list_users" in [each["facts"]["operation"] for each in theirs]

    await eventually(noted)


async def test_opening_a_card_is_in_the_views_log(town: Town, admin: Browser) -> None:
    """The panel runs the operation of the API, which records it; admins see it in the panel."""
    booked = await town.booked()
    assert (await admin.get(f"/admin/appointments/{booked['id']}")).status_code == 200
    auditor = Caller(await an_account(town.api.ports.identity.signing, ADA, role=Role.AUDITOR), Role.AUDITOR)
    (view,) = (await town.api.get(f"/v1/audit/views?person={booked['customer_id']}", auditor)).json()["items"]
    assert (view["operation"], view["role"], view["via"][:8]) == ("get_appointment", "admin", "session:")
    assert "get_appointment" in (await admin.get("/admin/views")).text


async def test_every_page_has_its_headers_and_nothing_inline(town: Town, admin: Browser) -> None:
    booked = await town.booked()
    pages = ["/admin/sign-in", "/admin/nowhere", "/admin/accounts/create-user", f"/admin/appointments/{booked['id']}"]
    for path in pages:
        answer = await admin.get(path)
        for name, value in HEADERS.items():
            assert answer.headers[name.decode()] == value.decode()
        lower = answer.text.lower()
        assert "<script" not in lower
        assert " style=" not in lower
        assert " onclick" not in lower
        assert "http://" not in lower.replace(ORIGIN, "")
        assert "https://" not in lower


def test_over_tls_the_cookie_belongs_to_this_host_alone() -> None:
    from starlette.responses import Response

    from interfaces.admin.cookies import set_session

    response = Response()
    set_session(response, "secret", https=True)
    cookie = SimpleCookie(response.headers["set-cookie"])["__Host-daybook"]
    assert cookie["secure"]
    assert cookie["httponly"]
    assert (cookie["path"], cookie["samesite"], cookie["domain"]) == ("/", "Lax", "")
    assert panel_of("https://daybook.test").https


async def test_more_than_a_megabyte_is_a_page_that_says_so(admin: Browser) -> None:
    answer = await admin.post("/admin/customers/create-customer", {"name": "x" * 1_100_000})
    assert answer.status_code == 413
    assert "<h1>413</h1>" in answer.text


async def test_a_database_that_is_down_is_a_page_that_says_so(
    api: Api, admin: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    unreachable = structlog.testing.capture_logs()
    engine = api.ports.reads._engine
    monkeypatch.setattr(type(engine), "connect", _refuse)
    with unreachable:
        answer = await api.client.request("GET", "/admin/appointments", headers=admin._headers({}))
    assert answer.status_code == 503
    assert "<h1>503</h1>" in answer.text


def _refuse(*_: object, **__: object) -> None:
    raise psycopg.OperationalError("connection refused")


async def test_every_route_is_outside_the_description_of_the_api() -> None:
    assert not any(route.include_in_schema for route in panel_routes(panel_of(ORIGIN)))
    assert hidden('<form method="post" action="/a"><input type="hidden" name="k" value="1"></form>', "/a") == {"k": "1"}
