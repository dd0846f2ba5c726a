"""Provider: somebody who can be booked."""

from datetime import datetime
from typing import Any
from uuid import UUID

from domain.errors import Conflict
from domain.kernel import Aggregate, event


class ProviderInactive(Conflict):
    """This provider takes no new bookings."""


class Provider(Aggregate):
    """Somebody who can be booked.

    `profile`: name, timezone, organization_id, bio, address, location, tags.
    """

    class Joined(Aggregate.Created):
        owner_id: UUID
        profile: dict[str, Any]

    class Changed(Aggregate.Event):
        by: UUID
        profile: dict[str, Any]

    class Deactivated(Aggregate.Event):
        by: UUID

    @event(Joined)
    def __init__(self, id: UUID, owner_id: UUID, profile: dict[str, Any], timestamp: datetime) -> None:
        self.owner_id = owner_id
        self.profile = profile
        self.active = True

    def change(self, by: UUID, profile: dict[str, Any], now: datetime) -> None:
        """Replace some of the profile; nothing happens if all stays."""
        self.check_active()
        if {**self.profile, **profile} != self.profile:
            self._changed(by=by, profile={**self.profile, **profile}, timestamp=now)

    @event(Changed)
    def _changed(self, by: UUID, profile: dict[str, Any], timestamp: datetime) -> None:
        self.profile = profile

    def deactivate(self, by: UUID, now: datetime) -> None:
        """End it for the future; history stays."""
        if self.active:
            self._deactivated(by=by, timestamp=now)

    @event(Deactivated)
    def _deactivated(self, by: UUID, timestamp: datetime) -> None:
        self.active = False

    def check_active(self) -> None:
        """Raise ProviderInactive once deactivated."""
        if not self.active:
            raise ProviderInactive
