"""Every metric equals a count of the log by other code, after months of a business at random."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from psycopg import AsyncConnection
from sqlalchemy.ext.asyncio import create_async_engine

from infrastructure.event_log.postgres_journal import PostgresJournal
from projections.analysis.metric import Dimension
from projections.analysis.metrics import METRICS
from projections.rebuild.rebuild import Rebuild
from projections.registry import PROJECTIONS
from tests.conftest import Database
from tests.projections.analysis.conftest import Figures
from tests.projections.analysis.life import Life
from tests.projections.analysis.recount import Recount, Told, middle, share
from tests.projections.conftest import CatchUp, recorded
from tests.support.sealed import CODEC
from tests.support.waiting import PATIENCE

STEPS = 300
Row = dict[str, Any]


@pytest.fixture(params=[1, pytest.param(2, marks=pytest.mark.long), pytest.param(3, marks=pytest.mark.long)])
async def life(request: pytest.FixtureRequest, database: Database, catch_up: CatchUp) -> Life:
    """Lived, recorded and projected in pages of several sizes."""
    journal = PostgresJournal(database.application, patience=PATIENCE)
    await journal.open()
    life = Life(request.param)
    for step in range(STEPS):
        if pending := life.recorded():
            await recorded(journal, *pending)
        if step % 7 == 0 or step == STEPS - 1:
            await catch_up()
        life.step()
    await journal.close()
    return life


def visits(count: Recount) -> list[Told]:
    return [each for each in count.appointments.values() if each.visited]


def bookings_made(count: Recount) -> Row:
    made = count.appointments.values()
    return {"made": len(made), "requested": sum(type(each.made).__name__ == "Requested" for each in made)}


def cancel_rate(count: Recount) -> Row:
    made = list(count.appointments.values())
    gone = [each.cancelled for each in made if each.status == "cancelled"]
    theirs = [e for e in gone if e.party in {"staff", "system"} or e.reason_code == "provider_unavailable"]
    rate = share(len(gone), len(made))
    return {"made": len(made), "cancelled": len(gone), "by_provider": len(theirs), "share": rate}


def moves(count: Recount) -> Row:
    made = [each.moves for each in count.appointments.values()]
    moved, all_of_them = [each for each in made if each], [who for each in made for who in each]
    return {
        "made": len(made),
        "moved": len(moved),
        "share": share(len(moved), len(made)),
        "by_customer": sum(all_of_them),
        "by_staff": len(all_of_them) - sum(all_of_them),
        "mean": round(len(all_of_them) / len(made), 4),
    }


def lead_time(count: Recount) -> Row:
    due = [each for each in count.appointments.values() if each.due]
    leads = {each.id: (each.start - each.made.timestamp) // timedelta(minutes=1) for each in due}
    planned = [each for each in due if leads[each.id] >= 15]
    firsts = [(each.made.starts_at - each.made.timestamp) // timedelta(minutes=1) for each in planned]
    return {
        "due": len(due),
        "walk_ins": len(due) - len(planned),
        "median": middle(leads[each.id] for each in planned),
        "first_median": middle(firsts),
    }


def notice_given(count: Recount) -> Row:
    gone = [each for each in count.appointments.values() if each.status == "cancelled"]
    hours = [(each.start - each.cancelled.timestamp) / timedelta(hours=1) for each in gone]
    return {
        "cancelled": len(gone),
        "afterwards": sum(each < 0 for each in hours),
        "under_2_hours": sum(0 <= each < 2 for each in hours),
        "under_a_day": sum(2 <= each < 24 for each in hours),
        "under_3_days": sum(24 <= each < 72 for each in hours),
        "under_a_week": sum(72 <= each < 168 for each in hours),
        "a_week_or_more": sum(each >= 168 for each in hours),
    }


def no_show_rate(count: Recount) -> Row:
    came = len(visits(count))
    missed = sum(each.status == "no_show" for each in count.appointments.values())
    return {"visits": came, "no_shows": missed, "share": share(missed, came + missed)}


def late_cancel_rate(count: Recount) -> Row:
    due = [each for each in count.appointments.values() if each.due]
    late = [each.cancelled.party for each in due if each.late]
    sides = {f"by_{side}": late.count(side) for side in ("customer", "staff", "system")}
    return {"due": len(due), "late": len(late), **sides, "share": share(len(late), len(due))}


def punctuality(count: Recount) -> Row:
    seen = [each for each in count.appointments.values() if each.checked_in is not None]
    late = ((each.checked_in - each.start) // timedelta(minutes=1) for each in seen if each.checked_in)
    return {"checked_in": len(seen), "median": middle(late)}


def seat_fill(count: Recount) -> Row:
    starts = {(each.provider, each.made.service_id, each.start) for each in count.appointments.values()}
    offered = {key: count.capacity(*key[1:]) for key in starts if count.capacity(*key[1:]) > 1}
    taken = {
        key: sum(
            each.due and (each.provider, each.made.service_id, each.start) == key
            for each in count.appointments.values()
        )
        for key in offered
    }
    seats = sum(offered[key] for key in offered if taken[key])
    return {
        "sessions": sum(map(bool, taken.values())),
        "empty_sessions": sum(not each for each in taken.values()),
        "seats_offered": seats,
        "seats_taken": sum(taken.values()),
        "share": share(sum(taken.values()), seats),
    }


def new_and_returning(count: Recount) -> Row:
    came = visits(count)
    new = sum(not count.visits_before(each) for each in came)
    return {"visits": len(came), "new": new, "returning": len(came) - new, "share": share(new, len(came))}


def retention(count: Recount) -> Row:
    """Over all dates nobody was seen before."""
    people = {(each.place, count.person(each)) for each in visits(count)}
    return {"visitors": len(people), "seen_before": 0, "share": share(0, len(people))}


def rebooked(count: Recount) -> Row:
    came = visits(count)
    again = sum(map(count.rebooked, came))
    return {"visits": len(came), "rebooked": again, "share": share(again, len(came))}


def hold_funnel(count: Recount) -> Row:
    of_customers = {id: each for id, each in count.holds().items() if each[0].channel != "waitlist"}
    outcomes = [outcome for _, outcome in of_customers.values()]
    return {
        "placed": len(of_customers),
        "used": outcomes.count("used"),
        "released": outcomes.count("released"),
        "expired": outcomes.count("expired"),
        "offers": len(count.holds()) - len(of_customers),
    }


def approval(count: Recount) -> Row:
    asked = [each for each in count.appointments.values() if type(each.made).__name__ == "Requested"]
    ended = [each.status for each in asked]
    confirmed = sum(each.answered is not None and each.status != "declined" for each in asked)
    times = [(e.answered - e.made.timestamp) // timedelta(minutes=1) for e in asked if e.answered]
    return {
        "requested": len(asked),
        "confirmed": confirmed,
        "declined": ended.count("declined"),
        "expired": ended.count("expired"),
        "share": share(confirmed, len(asked)),
        "median": middle(times),
    }


def waitlist(count: Recount) -> Row:
    kinds = [[type(event).__name__ for event in events] for events in count.entries().values()]
    return {
        "joined": len(kinds),
        "offered": sum("Offered" in each for each in kinds),
        "accepted": sum("Accepted" in each for each in kinds),
        "lapsed": sum("Lapsed" in each for each in kinds),
        "left": sum("Left" in each for each in kinds),
    }


RECOUNTS: Sequence[Callable[[Recount], Row]] = (
    bookings_made,
    cancel_rate,
    moves,
    lead_time,
    notice_given,
    no_show_rate,
    late_cancel_rate,
    punctuality,
    seat_fill,
    new_and_returning,
    retention,
    rebooked,
    hold_funnel,
    approval,
    waitlist,
)
BY_THEMSELVES = {"utilisation", "value", "fees_due", "lost_and_recovered", "cohorts"}


def test_every_metric_is_recounted() -> None:
    assert METRICS.keys() == {each.__name__ for each in RECOUNTS} | BY_THEMSELVES


async def test_every_metric_equals_its_recount(life: Life, figures: Figures) -> None:
    count = Recount(life.events)
    for recount in RECOUNTS:
        name, expected = recount.__name__, recount(count)
        (row,) = await figures(name)
        assert {key: _plain(row[key]) for key in expected} == expected, name


async def test_money_equals_its_recount(life: Life, figures: Figures) -> None:
    count = Recount(life.events)
    money = {row["currency"]: row for row in await figures("value")}
    fees = {row["currency"]: row for row in await figures("fees_due")}
    losses = {row["currency"]: row for row in await figures("lost_and_recovered")}
    assert money.keys() == {each.currency for each in count.appointments.values()}
    for currency in money:
        all_of_it = [each for each in count.appointments.values() if each.currency == currency]
        gone = [each for each in all_of_it if each.status == "cancelled"]
        lost = [each for each in all_of_it if each.late or each.status == "no_show"]
        freed = [each for each in gone if each.cancelled.timestamp < each.end]
        assert money[currency]["booked"] == sum(each.price for each in all_of_it if each.due)
        assert money[currency]["earned"] == sum(each.price for each in all_of_it if each.status == "completed")
        assert fees[currency]["fees"] == sum(each.cancelled.fee for each in gone)
        fee = sum(each.cancelled.fee for each in lost if each.late)
        assert losses[currency]["lost"] == sum(each.price for each in lost) - fee
        minutes = sum((each.end - each.start) // timedelta(minutes=1) for each in freed)
        assert losses[currency]["freed_minutes"] == minutes
        assert losses[currency]["recovered_minutes"] == sum(map(count.recovered, freed))


async def test_open_time_equals_a_recount_by_the_minute(life: Life, figures: Figures) -> None:
    count = Recount(life.events)
    found = {
        (row["provider"], row["day"]): (row["open_minutes"], row["booked_minutes"], row["outside_minutes"])
        for row in await figures("utilisation", Dimension.PROVIDER, Dimension.DAY)
    }
    for provider, day in life.random.sample(sorted(found), 60):
        if count.has_plan(provider, day):
            opened, booked, both = count.open_time(provider, day)
            assert found[provider, day] == (opened, booked, booked - both), (provider, day)
    last = (life.now + timedelta(days=62)).date()
    assert max(day for _, day in found) >= last - timedelta(days=3)


async def test_a_rebuild_makes_the_same_facts(life: Life, engine: Any, database: Database) -> None:
    owner = create_async_engine(database.owner.replace("postgresql://", "postgresql+psycopg://"))
    compared = await Rebuild(owner, PROJECTIONS, CODEC).check()
    await owner.dispose()
    assert compared.position > len(life.events) / 2
    assert not compared.differences


async def test_cohorts_add_up(life: Life, figures: Figures) -> None:
    count = Recount(life.events)
    rows = {row["month"]: row for row in await figures("cohorts", Dimension.MONTH)}
    firsts: dict[Any, dict[Any, set[Any]]] = {}
    for each in visits(count):
        first = (count.visits_before(each) or [each])[0].day.replace(day=1)
        of = (each.place, count.person(each))
        firsts.setdefault(first, {}).setdefault(each.day.replace(day=1), set()).add(of)
    assert rows.keys() == firsts.keys()
    for first, months in firsts.items():
        assert rows[first]["people"] == len(months[first])
        for n in range(1, 3):
            later = first.replace(year=first.year + (first.month - 1 + n) // 12, month=(first.month - 1 + n) % 12 + 1)
            assert rows[first][f"back_{n}"] == len(months.get(later, ()))


def _plain(value: Any) -> Any:
    return float(value) if value is not None and not isinstance(value, int) else value


async def test_the_log_is_not_empty(life: Life, database: Database) -> None:
    """Every kind of event that figures are made of happened."""
    async with await AsyncConnection.connect(database.owner) as connection:
        rows = await (await connection.execute("SELECT DISTINCT event FROM analysis.appointment_event")).fetchall()
    kinds = {kind for (kind,) in rows}
    assert kinds >= {"booked", "requested", "moved", "cancelled", "completed", "no_show", "confirmed"}
