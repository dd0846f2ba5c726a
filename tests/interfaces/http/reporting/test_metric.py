"""Figures over HTTP: those of the statements of the metrics, each caller's own, and none that tells of one person."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator, Sequence
from datetime import date
from io import StringIO
from itertools import product
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from application.access import Role
from projections.analysis.metric import CUSTOMERS, PERIODS, Dimension
from projections.analysis.metrics import METRICS
from projections.reporting import figures
from tests.interfaces.http.reporting.business import ADMIN, PERIOD, UNTIL, Business, lived
from tests.interfaces.http.town import problem
from tests.support.builders import somebody

pytestmark = pytest.mark.asyncio(loop_scope="module")
ANALYST = somebody(Role.ANALYST)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def business(servers, new_database, tmp_path_factory) -> AsyncIterator[Business]:
    async with lived(servers.redis_url, new_database(), tmp_path_factory.mktemp("figures")) as business:
        yield business


def written(row: dict[str, Any]) -> dict[str, Any]:
    """A row of a statement as JSON has it."""
    return {
        name: str(value) if isinstance(value, UUID | date) else value if value is None else _plain(value)
        for name, value in row.items()
    }


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int) else float(value)


def groupings(metric: str) -> Sequence[Sequence[Dimension]]:
    """None, each dimension, and some pairs."""
    known = METRICS[metric].dimensions
    things = [each for each in known if each not in PERIODS]
    return [(), *((each,) for each in known), (things[0], Dimension.MONTH), (Dimension.MONTH, things[-1])]


@pytest.mark.parametrize("metric", METRICS)
async def test_figures_equal_the_statement_of_the_metric(business: Business, metric: str) -> None:
    seen = 0
    for by in groupings(metric):
        expected = [written(row) for row in await business.select(METRICS[metric].statement(by))]
        assert await business.rows(metric, *by) == [{**row, "suppressed": False} for row in expected], by
        seen += len(expected)
    assert seen > len(METRICS[metric].dimensions)


@pytest.mark.parametrize("metric", [each for each in METRICS if each != "waitlist"])
async def test_an_organization_has_its_own_figures_alone(business: Business, metric: str) -> None:
    seen = 0
    for number, by in product((0, 1), ((), (Dimension.MONTH,))):
        salon, owner = str(business.life.salons[number].id), business.owner(number)
        all_of_them = await business.rows(metric, Dimension.ORGANIZATION, *by)
        theirs = [each for each in all_of_them if each.pop("organization") == salon]
        if theirs or by:
            assert await business.rows(metric, *by, more=f"&organization_id={salon}") == theirs
            assert await business.rows(metric, *by, caller=owner) == theirs
            assert await business.rows(metric, *by, caller=owner, more=f"&organization_id={salon}") == theirs
        seen += len(theirs)
    assert seen


async def test_nobodys_entries_in_a_waitlist_are_no_organizations(business: Business) -> None:
    """In this life all services are of providers."""
    assert (await business.rows("waitlist"))[0]["joined"]
    assert (await business.rows("waitlist", caller=business.owner(1)))[0]["joined"] == 0


async def test_a_provider_has_its_own_figures_alone(business: Business) -> None:
    one = str(business.life.providers[0].id)
    all_of_them = await business.rows("bookings_made", Dimension.PROVIDER)
    (theirs,) = [row for row in all_of_them if row["provider"] == one]
    (alone,) = await business.rows("bookings_made", more=f"&provider_id={one}")
    assert {"provider": one, **alone} == theirs
    assert len(all_of_them) > 1


async def test_who_manages_no_organization_gets_no_figures(business: Business) -> None:
    answer = await business.api.get(f"/v1/analytics/value?{PERIOD}", somebody(Role.PROVIDER))
    assert problem(answer) == (403, "forbidden")
    assert answer.json()["detail"] == "Only owners and managers of an organization see its figures."


async def test_the_figures_of_a_manager_leave_out_where_they_are_staff(business: Business) -> None:
    managed, other = (str(salon.id) for salon in business.life.salons)
    newcomer = somebody(Role.PROVIDER)
    for number, salon, rank in ((0, managed, "manager"), (1, other, "staff")):
        said = {"account_id": str(newcomer.id), "rank": rank}
        made = await business.api.post(f"/v1/organizations/{salon}/members", said, business.owner(number))
        assert made.status_code == 201, made.text
    rows = await business.rows("bookings_made", Dimension.ORGANIZATION, caller=newcomer)
    assert [row["organization"] for row in rows] == [managed]
    path = f"/v1/analytics/value?{PERIOD}&organization_id={other}"
    assert problem(await business.api.get(path, newcomer)) == (403, "rank-too-low")


async def test_a_stranger_to_an_organization_learns_nothing_of_it(business: Business) -> None:
    path = f"/v1/analytics/value?{PERIOD}&organization_id={business.life.salons[1].id}"
    assert problem(await business.api.get(path, business.owner(0))) == (404, "not-found")


@pytest.mark.parametrize("by", [(), (Dimension.PROVIDER,), (Dimension.DAY,), (Dimension.PROVIDER, Dimension.HOUR)])
@pytest.mark.parametrize("metric", [name for name, metric in METRICS.items() if metric.has_customers])
async def test_analysts_get_no_figures_about_fewer_than_five_customers(
    business: Business, metric: str, by: Sequence[Dimension]
) -> None:
    if not set(by) <= {*METRICS[metric].dimensions}:
        return
    shown = await business.rows(metric, *by, caller=ANALYST)
    expected = await business.select(METRICS[metric].statement(by, customers=True))
    assert len(shown) == len(expected)
    for row, told in zip(shown, expected, strict=True):
        few = 0 < told.pop("customers") < 5
        assert row["suppressed"] is few
        measures = dict.fromkeys(METRICS[metric].measures) if few else {}
        assert row == {**written(told), **measures, "suppressed": few}


async def test_some_rows_are_about_few_customers_and_some_about_many(business: Business) -> None:
    rows = await business.rows("bookings_made", Dimension.MONTH, caller=ANALYST)
    days = await business.rows("bookings_made", Dimension.DAY, caller=ANALYST)
    assert not all(row["suppressed"] for row in rows)
    assert any(row["suppressed"] for row in days)
    assert not any(row["suppressed"] for row in await business.rows("utilisation", Dimension.DAY, caller=ANALYST))


async def test_customers_are_counted_once_and_those_who_were_erased_by_their_visits(business: Business) -> None:
    (row,) = await business.select(METRICS["bookings_made"].statement((), customers=True))
    keys = await business.select("SELECT customer_key FROM analysis.appointment")
    known = [each["customer_key"] for each in keys if each["customer_key"] is not None]
    assert len({*known}) < len(known) < len(keys), "somebody came twice, and somebody was erased"
    assert row["customers"] == len({*known}) + len(keys) - len(known)


@pytest.mark.parametrize("metric", ["no_show_rate", "value"])
async def test_csv_has_the_same_figures(business: Business, metric: str) -> None:
    path = f"/v1/analytics/{metric}?{PERIOD}&group_by=day&format=csv"
    for caller in (ADMIN, ANALYST):
        answer = await business.api.get(path, caller)
        assert answer.headers["content-type"].startswith("text/csv")
        assert answer.headers["content-disposition"] == f'attachment; filename="{metric}.csv"'
        lines = list(csv.DictReader(StringIO(answer.text)))
        rows = await business.rows(metric, Dimension.DAY, caller=caller)
        assert [{name: _cell(value) for name, value in row.items()} for row in rows] == lines


def _cell(value: Any) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


async def test_the_dictionary_has_every_metric_with_its_dimensions_and_measures(business: Business) -> None:
    told = (await business.api.get("/v1/analytics", ANALYST)).json()
    assert [each["name"] for each in told["items"]] == [*METRICS]
    for each in told["items"]:
        rows = await business.asked(f"{each['name']}?{PERIOD}&group_by={each['dimensions'][0]}")
        assert {*rows["rows"][0]["measures"]} == {measure["name"] for measure in each["measures"]}
        assert each["counts_customers"] is METRICS[each["name"]].has_customers


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        ("no_show_rates?" + PERIOD, "There is no metric `no_show_rates`. Did you mean `no_show_rate`?"),
        ("q?" + PERIOD, "There is no metric `q`. GET /v1/analytics lists them."),
    ],
)
async def test_an_unknown_metric_is_not_found_and_the_nearest_one_named(
    business: Business, path: str, detail: str
) -> None:
    answer = await business.api.get(f"/v1/analytics/{path}", ANALYST)
    assert problem(answer) == (404, "not-found")
    assert answer.json()["detail"] == detail


@pytest.mark.parametrize(
    ("query", "pointer", "detail"),
    [
        (f"{PERIOD}&group_by=service", "/group_by", "`utilisation` has no dimension `service`. It has `provider`, "),
        (f"{PERIOD}&group_by=colour", "/group_by", "Must be `provider`, `service`"),
        (f"{PERIOD}&group_by=day,month", "/group_by", "Give only one of `day`, `week`, `month`."),
        (f"{PERIOD}&group_by=day&group_by=day", "/group_by", "Every value may be given only once."),
        (f"{PERIOD}&group_by=day,provider,organization", "/group_by", "Must have at most 2 items."),
        ("from=2030-01-01&to=2031-01-02", "/to", "The period may have at most 366 days, both dates included."),
        ("from=2030-01-02&to=2030-01-01", "/to", "`to` must not be before `from`."),
        ("from=2030-01-01", "/to", "Required."),
        (f"{PERIOD}&format=xml", "/format", "Must be `json` or `csv`."),
    ],
)
async def test_what_is_no_question_is_refused(business: Business, query: str, pointer: str, detail: str) -> None:
    answer = await business.api.get(f"/v1/analytics/utilisation?{query}", ANALYST)
    assert problem(answer) == (422, "invalid-fields")
    (error,) = answer.json()["errors"]
    assert error["pointer"] == pointer
    assert error["detail"].startswith(detail)


async def test_a_leap_year_is_not_too_long(business: Business) -> None:
    await business.asked("utilisation?from=2032-01-01&to=2032-12-31")


async def test_an_answer_with_too_many_rows_is_refused(business: Business, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "MOST_ROWS", 3)
    path = f"/v1/analytics/bookings_made?from=2030-02-01&to={UNTIL}&group_by=hour"
    answer = await business.api.get(path, ADMIN)
    assert problem(answer) == (422, "too-many-rows")
    assert "Ask for a shorter period or fewer dimensions." in answer.json()["detail"]


async def test_no_measure_has_the_name_of_another_column() -> None:
    for metric in METRICS.values():
        assert not {*metric.measures} & {CUSTOMERS, "suppressed", *map(str, Dimension), *metric.always}, metric.name
