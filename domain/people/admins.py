"""Admins: the accounts that run the platform. One stream, so that admins who demote each other at once conflict."""

from datetime import datetime
from uuid import UUID

from domain.errors import Conflict
from domain.kernel import Aggregate, derived_id, event


class LastAdmin(Conflict):
    """At least one active admin is required."""


class Admins(Aggregate):
    """The active accounts with the role admin."""

    class Begun(Aggregate.Created):
        pass

    class Joined(Aggregate.Event):
        account_id: UUID

    class Left(Aggregate.Event):
        account_id: UUID

    ID = derived_id("admins")

    @event(Begun)
    def __init__(self, id: UUID, timestamp: datetime) -> None:
        self.accounts: tuple[UUID, ...] = ()

    def join(self, account_id: UUID, now: datetime) -> None:
        """Add an account; already added is not an error."""
        if account_id not in self.accounts:
            self._joined(account_id=account_id, timestamp=now)

    @event(Joined)
    def _joined(self, account_id: UUID, timestamp: datetime) -> None:
        self.accounts = (*self.accounts, account_id)

    def leave(self, account_id: UUID, now: datetime) -> None:
        """Remove an account that is demoted, disabled or erased; others are ignored. Raises LastAdmin."""
        if account_id not in self.accounts:
            return
        if len(self.accounts) == 1:
            raise LastAdmin
        self._left(account_id=account_id, timestamp=now)

    @event(Left)
    def _left(self, account_id: UUID, timestamp: datetime) -> None:
        self.accounts = tuple(each for each in self.accounts if each != account_id)
