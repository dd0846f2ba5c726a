"""Who belongs to an organization, with which rank, and when it is closed."""

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest

from domain.catalog.organization import (
    LastOwner,
    MemberExists,
    Organization,
    OrganizationClosed,
    Rank,
    RankTooLow,
)
from domain.errors import NotFound
from domain.kernel import new_id
from domain.scheduling.opening_hours import OpeningHours, OpeningWindow

NOW = datetime(2026, 5, 1, tzinfo=UTC)
OWNER, SECOND, MANAGER, STAFF, NOBODY = (new_id() for _ in range(5))
MAY_DAY = date(2026, 5, 1)
Step = Callable[[Organization], None]


def founded() -> Organization:
    """With two owners, a manager and one of the staff."""
    profile = {"name": "Ada's", "timezone": None, "bio": None, "address": None}
    made = Organization(id=new_id(), by=OWNER, owner_id=OWNER, profile=profile, timestamp=NOW)
    for account, rank in ((SECOND, Rank.OWNER), (MANAGER, Rank.MANAGER), (STAFF, Rank.STAFF)):
        made.add_member(OWNER, account, rank, Rank.OWNER, NOW)
    made.pending_events.clear()
    return made


def change(**profile: str) -> Step:
    return lambda it: it.change(OWNER, profile, NOW)


def close(it: Organization) -> None:
    it.close(OWNER, NOW)


def add(account, rank: Rank, acting: Rank = Rank.OWNER) -> Step:
    return lambda it: it.add_member(OWNER, account, rank, acting, NOW)


def rank(account, rank: Rank, acting: Rank = Rank.OWNER) -> Step:
    return lambda it: it.rank_member(OWNER, account, rank, acting, NOW)


def remove(account, acting: Rank = Rank.OWNER, by=OWNER) -> Step:
    return lambda it: it.remove_member(by, account, acting, NOW)


def holiday(name: str = "May Day", day: date = MAY_DAY) -> Step:
    return lambda it: it.set_holiday(OWNER, day, name, NOW)


def lift(it: Organization) -> None:
    it.lift_holiday(OWNER, MAY_DAY, NOW)


def after(*steps: Step) -> Organization:
    it = founded()
    for step in steps:
        step(it)
    it.pending_events.clear()
    return it


@pytest.mark.parametrize(
    ("history", "step", "recorded"),
    [
        ([], change(name="Bea's"), ["Changed"]),
        ([], change(name="Ada's"), []),
        ([], close, ["Closed"]),
        ([close], close, []),
        ([], add(NOBODY, Rank.STAFF), ["MemberAdded"]),
        ([], add(STAFF, Rank.STAFF), []),
        ([], rank(STAFF, Rank.MANAGER), ["MemberRanked"]),
        ([], rank(STAFF, Rank.STAFF), []),
        ([], remove(STAFF), ["MemberRemoved"]),
        ([], holiday(), ["HolidaySet"]),
        ([holiday()], holiday(), []),
        ([holiday()], holiday("Labour Day"), ["HolidaySet"]),
        ([holiday()], lift, ["HolidayLifted"]),
        ([holiday(), lift], holiday(), ["HolidaySet"]),
    ],
)
def test_each_change_is_recorded_once_and_none_where_all_stays(
    history: list[Step], step: Step, recorded: list[str]
) -> None:
    it = after(*history)
    step(it)
    assert [type(event).__name__ for event in it.pending_events] == recorded


@pytest.mark.parametrize("step", [remove(OWNER), remove(OWNER, by=OWNER), rank(OWNER, Rank.STAFF)])
def test_an_organization_keeps_at_least_one_owner(step: Step) -> None:
    it = after(remove(SECOND))
    with pytest.raises(LastOwner):
        step(it)
    assert it.members[OWNER] is Rank.OWNER
    step(after())  # while there is another


@pytest.mark.parametrize("given", [Rank.OWNER, Rank.MANAGER])
def test_a_manager_gives_no_rank_as_high_as_the_own(given: Rank) -> None:
    for step in (
        add(NOBODY, given, Rank.MANAGER),
        rank(STAFF, given, Rank.MANAGER),
        rank(MANAGER, given, Rank.MANAGER),
    ):
        it = after()
        with pytest.raises(RankTooLow):
            step(it)
        assert not it.pending_events
    add(NOBODY, Rank.STAFF, Rank.MANAGER)(after())


@pytest.mark.parametrize("account", [OWNER, MANAGER])
def test_a_manager_changes_nobody_of_the_own_rank_or_above(account) -> None:
    for step in (rank(account, Rank.STAFF, Rank.MANAGER), remove(account, Rank.MANAGER, by=NOBODY)):
        with pytest.raises(RankTooLow):
            step(after())
    remove(STAFF, Rank.MANAGER, by=MANAGER)(after())


@pytest.mark.parametrize("given", list(Rank))
def test_staff_change_no_members(given: Rank) -> None:
    for step in (
        add(NOBODY, given, Rank.STAFF),
        add(STAFF, given, Rank.STAFF),
        rank(STAFF, given, Rank.STAFF),
        remove(MANAGER, Rank.STAFF, by=STAFF),
    ):
        with pytest.raises(RankTooLow):
            step(after())


@pytest.mark.parametrize(("account", "acting"), [(STAFF, Rank.STAFF), (MANAGER, Rank.MANAGER)])
def test_anybody_may_leave_a_closed_organization_too(account, acting: Rank) -> None:
    for it in (after(), after(close)):
        remove(account, acting, by=account)(it)
        assert account not in it.members


def test_who_is_a_member_already_is_not_added_with_another_rank() -> None:
    with pytest.raises(MemberExists):
        add(STAFF, Rank.MANAGER)(after())


@pytest.mark.parametrize("step", [rank(NOBODY, Rank.STAFF), remove(NOBODY), lift])
def test_what_is_not_there_is_not_found(step: Step) -> None:
    with pytest.raises(NotFound):
        step(after())


@pytest.mark.parametrize(
    "step", [change(name="Bea's"), add(NOBODY, Rank.STAFF), rank(STAFF, Rank.OWNER), holiday("X"), lift]
)
def test_a_closed_organization_changes_no_more_but_members_can_be_removed(step: Step) -> None:
    it = after(holiday(), close)
    with pytest.raises(OrganizationClosed):
        step(it)
    remove(STAFF)(it)


def test_no_window_starts_on_a_holiday() -> None:
    it = after(holiday())
    always = OpeningHours("UTC", {day: (OpeningWindow(540, 1020),) for day in range(7)}, {}, ())
    assert always.on(MAY_DAY)
    assert always.less(it.closed_dates()).on(MAY_DAY) == ()
    assert always.less(it.closed_dates()).on(date(2026, 5, 2)) == (OpeningWindow(540, 1020),)
    lift(it)
    assert always.less(it.closed_dates()) == always
