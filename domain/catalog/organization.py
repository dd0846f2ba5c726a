"""Organization: a business, its members, and its holidays."""

from collections.abc import Collection, Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Any, cast
from uuid import UUID

from domain.catalog.organization_profile import DEFAULTS, OrganizationProfile
from domain.errors import Conflict, Forbidden, NotFound
from domain.kernel import Aggregate, event


class OrganizationClosed(Conflict):
    """This organization is closed."""


class LastOwner(Conflict):
    """An organization needs at least one owner."""


class MemberExists(Conflict):
    """This account is already a member, with another rank."""


class RankTooLow(Forbidden):
    """Your rank in the organization does not allow this."""


class Rank(StrEnum):
    """The permissions of a member; the highest rank first."""

    OWNER = "owner"
    MANAGER = "manager"
    STAFF = "staff"

    def reaches(self, least: "Rank") -> bool:
        """Whether the rank is `least` or higher."""
        order = [*Rank]
        return order.index(self) <= order.index(least)


def highest(ranks: Collection[Rank | None]) -> Rank | None:
    """The highest of several ranks; None if there is none."""
    return next((rank for rank in Rank if rank in ranks), None)


class Organization(Aggregate):
    """A business. `acting`: the rank of the caller who makes a change; an admin acts as OWNER."""

    class Founded(Aggregate.Created):
        by: UUID
        owner_id: UUID
        profile: OrganizationProfile

    class Changed(Aggregate.Event):
        by: UUID
        profile: OrganizationProfile

    class Closed(Aggregate.Event):
        by: UUID

    class MemberAdded(Aggregate.Event):
        by: UUID
        account_id: UUID
        rank: str

    class MemberRanked(Aggregate.Event):
        by: UUID
        account_id: UUID
        rank: str

    class MemberRemoved(Aggregate.Event):
        by: UUID
        account_id: UUID

    class HolidaySet(Aggregate.Event):
        by: UUID
        date: str
        name: str

    class HolidayLifted(Aggregate.Event):
        by: UUID
        date: str

    @event(Founded)
    def __init__(self, id: UUID, by: UUID, owner_id: UUID, profile: OrganizationProfile, timestamp: datetime) -> None:
        self.profile = profile
        self.members: Mapping[UUID, Rank] = {owner_id: Rank.OWNER}
        self.holidays: Mapping[str, str] = {}
        self._dates: frozenset[date] | None = None
        self.closed = False

    def change(self, by: UUID, changes: Mapping[str, Any], now: datetime) -> None:
        """Replace some of the profile; an unchanged profile is not an error."""
        self.check_open()
        profile = {**self.profile, **changes}
        if {**DEFAULTS, **profile} != {**DEFAULTS, **self.profile}:
            self._changed(by=by, profile=cast("OrganizationProfile", profile), timestamp=now)

    @event(Changed)
    def _changed(self, by: UUID, profile: OrganizationProfile, timestamp: datetime) -> None:
        self.profile = profile

    def close(self, by: UUID, now: datetime) -> None:
        """Close the organization for new bookings; its members still manage existing ones."""
        if not self.closed:
            self._closed(by=by, timestamp=now)

    @event(Closed)
    def _closed(self, by: UUID, timestamp: datetime) -> None:
        self.closed = True

    def check_open(self) -> None:
        """Raise OrganizationClosed once the organization is closed."""
        if self.closed:
            raise OrganizationClosed

    def check_invites(self, acting: Rank, rank: Rank) -> None:
        """Raise OrganizationClosed, or RankTooLow for who may not give this rank."""
        self.check_open()
        _check_rank(acting, rank)

    def add_member(self, by: UUID, account_id: UUID, rank: Rank, acting: Rank, now: datetime) -> None:
        """Add a member. Raises RankTooLow; MemberExists for a member of another rank."""
        self.check_invites(acting, rank)
        known = self.members.get(account_id)
        if known not in {None, rank}:
            raise MemberExists
        if known is None:
            self._member_added(by=by, account_id=account_id, rank=rank.value, timestamp=now)

    @event(MemberAdded)
    def _member_added(self, by: UUID, account_id: UUID, rank: str, timestamp: datetime) -> None:
        self.members = {**self.members, account_id: Rank(rank)}

    def rank_member(self, by: UUID, account_id: UUID, rank: Rank, acting: Rank, now: datetime) -> None:
        """Change a member's rank. Raises NotFound for an account that is not a member, RankTooLow, LastOwner."""
        self.check_open()
        known = self.rank_of(account_id)
        _check_rank(acting, known, rank)
        if rank is not known:
            self._check_owner_besides(account_id)
            self._member_ranked(by=by, account_id=account_id, rank=rank.value, timestamp=now)

    @event(MemberRanked)
    def _member_ranked(self, by: UUID, account_id: UUID, rank: str, timestamp: datetime) -> None:
        self.members = {**self.members, account_id: Rank(rank)}

    def remove_member(self, by: UUID, account_id: UUID, acting: Rank, now: datetime) -> None:
        """Remove a member. Members may leave a closed organization too. Raises NotFound, RankTooLow, LastOwner."""
        known = self.rank_of(account_id)
        if by != account_id:
            _check_rank(acting, known)
        self._check_owner_besides(account_id)
        self._member_removed(by=by, account_id=account_id, timestamp=now)

    @event(MemberRemoved)
    def _member_removed(self, by: UUID, account_id: UUID, timestamp: datetime) -> None:
        self.members = {k: rank for k, rank in self.members.items() if k != account_id}

    def rank_of(self, account_id: UUID) -> Rank:
        """A member's rank; raises NotFound."""
        if account_id not in self.members:
            raise NotFound("member", account_id)
        return self.members[account_id]

    def _check_owner_besides(self, account_id: UUID) -> None:
        if [k for k, rank in self.members.items() if rank is Rank.OWNER] == [account_id]:
            raise LastOwner

    def set_holiday(self, by: UUID, day: date, name: str, now: datetime) -> None:
        """Close all providers of the organization on this date of their own time zones."""
        self.check_open()
        if self.holidays.get(day.isoformat()) != name:
            self._holiday_set(by=by, date=day.isoformat(), name=name, timestamp=now)

    @event(HolidaySet)
    def _holiday_set(self, by: UUID, date: str, name: str, timestamp: datetime) -> None:
        self.holidays = {**self.holidays, date: name}
        self._dates = None

    def lift_holiday(self, by: UUID, day: date, now: datetime) -> None:
        """Remove a holiday; raises NotFound if there is none on this date."""
        self.check_open()
        if day.isoformat() not in self.holidays:
            raise NotFound("holiday", day.isoformat())
        self._holiday_lifted(by=by, date=day.isoformat(), timestamp=now)

    @event(HolidayLifted)
    def _holiday_lifted(self, by: UUID, date: str, timestamp: datetime) -> None:
        self.holidays = {k: name for k, name in self.holidays.items() if k != date}
        self._dates = None

    def closed_dates(self) -> frozenset[date]:
        """The dates of the holidays, for OpeningHours."""
        if self._dates is None:
            self._dates = frozenset(map(date.fromisoformat, self.holidays))
        return self._dates


def _check_rank(acting: Rank, *touched: Rank) -> None:
    """Owners give and take any rank, other members only ranks below their own: no member can raise their own rank."""
    if acting is not Rank.OWNER and any(rank.reaches(acting) for rank in touched):
        raise RankTooLow
