"""Reports: the numbers of the API beside those of the period before, each person's own, and what to do without any."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date
from html import unescape
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from application.access import Caller, Role
from domain.kernel import new_id
from infrastructure.database.analytics_pool import analytics_pool
from interfaces.admin.reports.chart import HEIGHT, WIDTH, bars
from interfaces.admin.reports.metric_words import TRANSLATIONS
from interfaces.admin.reports.period import ReportPeriod
from projections.analysis.metric import Dimension
from projections.analysis.metrics import GROUPS, METRICS
from projections.reporting.figures import MetricFigures
from tests.interfaces.admin.browser import Browser, a_session, add_panel, with_account
from tests.interfaces.admin.test_panel_pages import text
from tests.interfaces.http.reporting.analysis_lock import locked
from tests.interfaces.http.reporting.business import ADMIN, Business, lived

pytestmark = pytest.mark.asyncio(loop_scope="module")
NOW, BEFORE = ReportPeriod(date(2030, 3, 11), date(2030, 4, 9)), ReportPeriod(date(2030, 2, 9), date(2030, 3, 10))
LONG = ReportPeriod(date(2030, 1, 1), date(2030, 5, 31))
_SECTION = re.compile(r'<section class="card report" id="report-(\w+)".*?</section>', re.DOTALL)
_PART = re.compile(r'<div class="part" data-currency="(\w*)">(.*?)</figure>', re.DOTALL)
_NUMBER = re.compile(
    r'data-measure="(\w+)">.*?<data value="([^"]*)">([^<]*)</data>.*?<span class="quiet">before: ([^<]*)<', re.DOTALL
)
_BAR = re.compile(r'<th scope="row">([^<]*)</th><td><data value="([^"]*)">')


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def business(servers, new_database, tmp_path_factory) -> AsyncIterator[Business]:
    async with lived(servers.redis_url, new_database(), tmp_path_factory.mktemp("reports")) as business:
        add_panel(business.api)
        for caller in (ADMIN, business.owner(0), business.owner(1)):
            await with_account(business.api, caller)
        yield business


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def admin(business: Business) -> Browser:
    return await a_session(business.api, ADMIN.account)


async def page_of(browser: Browser, group: str, period: ReportPeriod, **more: str) -> str:
    query = "&".join(f"{name}={quote(value)}" for name, value in {**period.query, "group": group, **more}.items())
    answer = await browser.get(f"/admin/reports?{query}")
    assert answer.status_code == 200, text(answer.text)
    return answer.text


def parts(page: str, metric: str) -> Mapping[str, str]:
    """The parts of a metric's card, by currency."""
    (section,) = [each[0] for each in _SECTION.finditer(page) if each[1] == metric]
    return dict(_PART.findall(section))


def numbers(part: str) -> Mapping[str, tuple[str, str, str]]:
    """Measure -> value, text, and text of the period before."""
    return {name: (value, now, before) for name, value, now, before in _NUMBER.findall(part)}


async def told(business: Business, metric: str, period: ReportPeriod, more: str = "", by: Caller = ADMIN) -> Any:
    query = f"from={period.since}&to={period.until}{more}"
    return (await business.asked(f"{metric}?{query}", by))["rows"]


def _value(value: str) -> float | None:
    return float(value) if value else None


@pytest.mark.parametrize("group", GROUPS)
async def test_numbers_are_those_of_the_api_and_of_the_period_before(
    business: Business, admin: Browser, group: str
) -> None:
    page, earlier = await page_of(admin, group, NOW), await page_of(admin, group, BEFORE)
    compared = 0
    for metric in GROUPS[group]:
        for row in await told(business, metric.name, NOW):
            part = parts(page, metric.name).get(row["dimensions"].get("currency", ""), "")
            shown = numbers(part)
            if part or any(row["measures"].values()):
                assert {name: _value(each[0]) for name, each in shown.items()} == row["measures"], metric.name
        for currency, part in parts(earlier, metric.name).items():
            there = numbers(parts(page, metric.name)[currency])
            assert {name: each[1] for name, each in numbers(part).items()} == {n: each[2] for n, each in there.items()}
            compared += len(there)
    assert compared


@pytest.mark.parametrize(
    ("period", "step"), [(NOW, "day"), (ReportPeriod(date(2030, 1, 1), date(2030, 5, 31)), "week")]
)
async def test_charts_are_those_of_the_api(business: Business, admin: Browser, period: ReportPeriod, step: str) -> None:
    page = await page_of(admin, "demand", period)
    bars = [_value(value) for _, value in _BAR.findall(parts(page, "bookings_made")[""])]
    rows = await told(business, "bookings_made", period, f"&group_by={step}")
    made = {row["dimensions"][step]: row["measures"]["made"] for row in rows}
    assert bars == [made.get(each.isoformat(), 0) for each in period.steps(Dimension(step))]
    assert sum(map(bool, bars)) > 3
    shares = [_value(value) for _, value in _BAR.findall(parts(page, "cancel_rate")[""])]
    assert [each is None for each in shares] == [each == 0 for each in bars], "no share of nothing"


async def test_amounts_of_each_currency_stand_apart(admin: Browser) -> None:
    page = await page_of(admin, "money", NOW)
    value = parts(page, "value")
    assert [*value] == ["EUR", "USD"]
    assert numbers(value["EUR"])["booked"][1].startswith("€")
    assert numbers(value["USD"])["booked"][1].startswith("$")


async def test_owners_see_their_organizations_and_no_others(business: Business, admin: Browser) -> None:
    salons, opened = [str(each.id) for each in business.life.salons], []
    for number, salon in enumerate(salons):
        browser = await a_session(business.api, business.owner(number).account)
        page = await page_of(browser, "calendar", NOW)
        (row,) = await told(business, "utilisation", NOW, f"&organization_id={salon}")
        shown = {name: _value(each[0]) for name, each in numbers(parts(page, "utilisation")[""]).items()}
        assert shown == row["measures"]
        opened.append(shown["open_minutes"])
        mine = await page_of(admin, "calendar", NOW, organization_id=salon)
        assert numbers(parts(mine, "utilisation")[""]) == numbers(parts(page, "utilisation")[""])
        other = salons[1 - number]
        refused = await browser.get(f"/admin/reports?organization_id={other}")
        assert refused.status_code == 404
        assert (await browser.get(f"/admin/reports/value/csv?organization_id={other}")).status_code == 404
    assert len({*opened}) == 2


async def test_a_provider_is_chosen(business: Business, admin: Browser) -> None:
    one = str(business.life.providers[0].id)
    page = await page_of(admin, "calendar", NOW, provider_id=one)
    (row,) = await told(business, "utilisation", NOW, f"&provider_id={one}")
    shown = {name: _value(each[0]) for name, each in numbers(parts(page, "utilisation")[""]).items()}
    assert shown == row["measures"]
    assert f'<option value="{one}" selected>' in page


async def test_a_card_is_downloaded_as_csv(business: Business, admin: Browser) -> None:
    page = await page_of(admin, "money", NOW)
    path = next(unescape(each) for each in re.findall(r'href="([^"]*/csv[^"]*)"', page) if "/value/" in each)
    answer = await admin.get(path)
    query = f"from={NOW.since}&to={NOW.until}&group_by=day&format=csv"
    assert answer.text == (await business.api.get(f"/v1/analytics/value?{query}", ADMIN)).text
    assert answer.text.startswith("day,currency,due,")
    assert answer.headers["content-type"].startswith("text/csv")


async def test_who_manages_nothing_is_told_how_to_get_there(business: Business) -> None:
    loner = Caller(new_id(), Role.PROVIDER)
    await with_account(business.api, loner)
    answer = await (await a_session(business.api, loner.account)).get("/admin/reports")
    assert answer.status_code == 200
    assert "Reports are for owners and managers of organizations." in text(answer.text)


async def test_the_menu_shows_reports_to_whom_they_are_for(business: Business, admin: Browser) -> None:
    """On each page, also on one that says no."""
    loner = Caller(new_id(), Role.PROVIDER)
    await with_account(business.api, loner)
    entry = 'href="/admin/reports"'
    for caller, shown in ((ADMIN, True), (business.owner(0), True), (loner, False)):
        browser = await a_session(business.api, caller.account)
        for path in ("/admin/today", "/admin/appointments", "/admin/reports", "/admin/nowhere"):
            assert (entry in (await browser.get(path)).text) is shown, (caller.role, path)


async def test_a_period_without_anything_says_what_to_do(admin: Browser) -> None:
    page = await page_of(admin, "demand", ReportPeriod(date(2010, 1, 1), date(2010, 1, 31)))
    assert text(page).count("Nothing in this period or the one before.") == len(GROUPS["demand"])
    assert "<svg" not in page


@pytest.mark.parametrize("query", ["from=2030-01-01&to=2031-06-30", "from=2030-02-01&to=2030-01-01"])
async def test_a_wrong_period_is_explained_and_kept(admin: Browser, query: str) -> None:
    answer = await admin.get(f"/admin/reports?{query}")
    assert answer.status_code == 422
    assert f'name="from" value="{query[5:15]}"' in answer.text
    assert 'role="alert"' in answer.text


async def test_an_unknown_group_or_metric_is_not_found(admin: Browser) -> None:
    assert (await admin.get("/admin/reports?group=weather")).status_code == 404
    assert (await admin.get("/admin/reports/weather/csv")).status_code == 404


async def test_figures_that_take_too_long_say_so_and_the_page_stays(business: Business, admin: Browser) -> None:
    ports = business.api.ports
    usual = ports.figures
    async with analytics_pool(business.database.application, 0.3) as pool, locked(business.database):
        ports.figures = MetricFigures(pool, ports.reads, ports.reads._positions)
        answer = await business.api.client.request(
            "GET", f"/admin/reports?from={NOW.since}&to={NOW.until}", headers=admin._headers({})
        )
    ports.figures = usual
    assert answer.status_code == 200
    assert text(answer.text).count("These figures take too long.") == len(GROUPS[next(iter(GROUPS))])


async def test_every_metric_has_a_card_in_both_languages(business: Business, admin: Browser) -> None:
    russian = Browser(business.api, {**admin.cookies, "daybook-language": "ru"})
    for group, metrics in GROUPS.items():
        page = await page_of(russian, group, NOW)
        assert [each[1] for each in _SECTION.finditer(page)] == [metric.name for metric in metrics]
        for metric in metrics:
            assert TRANSLATIONS["ru"].get(metric.name, {}).get("title", metric.title) in text(page)


async def test_words_for_metrics_are_complete_and_for_metrics_that_there_are() -> None:
    for words in TRANSLATIONS.values():
        for name, said in words.items():
            assert said["measures"].keys() == METRICS[name].measures.keys(), name
            assert said["title"]
            assert said["explanation"]


@pytest.mark.parametrize(
    ("since", "until", "before", "steps"),
    [
        (date(2030, 3, 1), date(2030, 3, 31), (date(2030, 1, 29), date(2030, 2, 28)), 31),
        (date(2030, 1, 1), date(2030, 6, 30), (date(2029, 7, 4), date(2029, 12, 31)), 26),
        (date(2030, 1, 1), date(2030, 12, 31), (date(2029, 1, 1), date(2029, 12, 31)), 12),
        (date(2030, 5, 5), date(2030, 5, 5), (date(2030, 5, 4), date(2030, 5, 4)), 1),
    ],
)
async def test_the_period_before_is_as_long(since: date, until: date, before: Sequence[date], steps: int) -> None:
    period = ReportPeriod(since, until)
    assert (period.before.since, period.before.until) == before
    metric = METRICS["bookings_made"]
    assert len(period.steps(period.step_of(metric))) == steps


async def test_bars_stand_on_zero_and_hang_from_it() -> None:
    up, none, down = bars([30, None, -10])
    assert (up["y"], up["height"]) == (0, HEIGHT * 3 / 4)
    assert none["height"] == 0
    assert (down["y"], down["height"]) == (HEIGHT * 3 / 4, HEIGHT / 4)
    assert down["x"] + down["width"] <= WIDTH
    assert [each["height"] for each in bars([0, 0])] == [0, 0]
