"""Provider: somebody who can be booked."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from domain.errors import Conflict
from domain.kernel import Aggregate, event
from domain.personal_data import PersonalData


class ProviderInactive(Conflict):
    """This provider takes no new bookings."""


ABOUT = ("name", "bio", "address", "location")


class Provider(Aggregate):
    """Somebody who can be booked.

    `profile`: timezone, organization_id, tags.
    `about` is personal to the owner: name, bio, address, location.
    """

    class Joined(Aggregate.Created):
        owner_id: UUID
        profile: dict[str, Any]
        about: PersonalData

    class Changed(Aggregate.Event):
        by: UUID
        profile: dict[str, Any]
        about: PersonalData | None  # None: as before

    class Deactivated(Aggregate.Event):
        by: UUID

    @event(Joined)
    def __init__(
        self, id: UUID, owner_id: UUID, profile: dict[str, Any], about: PersonalData, timestamp: datetime
    ) -> None:
        self.owner_id = owner_id
        self.profile = profile
        self.about = about
        self.active = True

    @classmethod
    def join(cls, id: UUID, owner_id: UUID, told: Mapping[str, Any], now: datetime) -> Self:
        """A new one. `told`: profile and what is personal, together."""
        profile, about = split(told)
        return cls(id=id, owner_id=owner_id, profile=profile, about=PersonalData(owner_id, about), timestamp=now)

    @property
    def told(self) -> dict[str, Any]:
        """Profile and what is personal, together; the latter None while it is sealed, the name empty."""
        about = self.about.value or {**dict.fromkeys(ABOUT), "name": ""}
        return {**self.profile, **about}

    def change(self, by: UUID, told: Mapping[str, Any], now: datetime) -> None:
        """Replace some of what is told, which must be open; nothing happens if all stays."""
        self.check_active()
        profile, about = split({**self.told, **told})
        changed = None if about == self.about.value else PersonalData(self.owner_id, about)
        if changed is not None or profile != self.profile:
            self._changed(by=by, profile=profile, about=changed, timestamp=now)

    @event(Changed)
    def _changed(self, by: UUID, profile: dict[str, Any], about: PersonalData | None, timestamp: datetime) -> None:
        self.profile = profile
        self.about = about or self.about

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


def split(told: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Profile, and what is personal."""
    about = {name: told.get(name) for name in ABOUT}
    return {name: value for name, value in told.items() if name not in ABOUT}, about
