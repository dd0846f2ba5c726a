"""Provider: a person who can be booked."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from domain.catalog.catalog_status import CatalogStatus, Pausable
from domain.catalog.provider_profile import DEFAULTS, UNREADABLE, ProviderAbout, ProviderDetails, ProviderProfile, split
from domain.errors import Conflict
from domain.kernel import Aggregate, event
from domain.personal_data import PersonalData


class ProviderInactive(Conflict):
    """This provider takes no new bookings."""


class ProviderPaused(ProviderInactive):
    """This provider takes no new bookings for now."""


class Provider(Pausable, Aggregate):
    """A person who can be booked. `about`: a ProviderAbout, personal data of the owner."""

    ended_refusal, paused_refusal = ProviderInactive, ProviderPaused

    class Joined(Aggregate.Created):
        """`demo`: a part of the demo town; release 0.1.0 did not record that."""

        class_version = 2

        owner_id: UUID
        profile: ProviderProfile
        about: PersonalData
        demo: bool

        @staticmethod
        def upcast_v1_v2(state: dict[str, Any]) -> None:
            """Version 1 did not mark the demo town."""
            state["demo"] = False

    class Changed(Aggregate.Event):
        by: UUID
        profile: ProviderProfile
        about: PersonalData | None  # None: as before

    class Deactivated(Aggregate.Event):
        by: UUID

    class Paused(Aggregate.Event):
        by: UUID

        def apply(self, provider: "Provider") -> None:
            provider.status = CatalogStatus.PAUSED

    class Resumed(Aggregate.Event):
        by: UUID

        def apply(self, provider: "Provider") -> None:
            provider.status = CatalogStatus.ACTIVE

    @event(Joined)
    def __init__(
        self, id: UUID, owner_id: UUID, profile: ProviderProfile, about: PersonalData, demo: bool, timestamp: datetime
    ) -> None:
        self.owner_id = owner_id
        self.profile = profile
        self.about = about
        self.status = CatalogStatus.ACTIVE

    @classmethod
    def join(cls, id: UUID, owner_id: UUID, details: Mapping[str, Any], now: datetime, *, demo: bool = False) -> Self:
        """A new provider. `details`: a ProviderDetails."""
        profile, about = split(details)
        personal = PersonalData(owner_id, about)
        return cls(id=id, owner_id=owner_id, profile=profile, about=personal, demo=demo, timestamp=now)

    @property
    def details(self) -> ProviderDetails:
        """Profile and personal data together; the latter UNREADABLE while it is encrypted."""
        about: ProviderAbout = {**UNREADABLE, **(self.about.value or {})}
        return {**self.profile, **about}

    def change(self, by: UUID, changes: Mapping[str, Any], now: datetime) -> None:
        """Replace some of the details, which must be decrypted; unchanged details are not an error."""
        self.check_not_ended()
        profile, about = split({**self.details, **changes})
        changed = None if about == split(self.details)[1] else PersonalData(self.owner_id, about)
        if changed is not None or {**DEFAULTS, **profile} != {**DEFAULTS, **self.profile}:
            self._changed(by=by, profile=profile, about=changed, timestamp=now)

    @event(Changed)
    def _changed(self, by: UUID, profile: ProviderProfile, about: PersonalData | None, timestamp: datetime) -> None:
        self.profile = profile
        self.about = about or self.about

    def deactivate(self, by: UUID, now: datetime) -> None:
        """End the provider for new bookings; already deactivated is not an error."""
        if self.status is not CatalogStatus.ENDED:
            self._deactivated(by=by, timestamp=now)

    @event(Deactivated)
    def _deactivated(self, by: UUID, timestamp: datetime) -> None:
        self.status = CatalogStatus.ENDED
