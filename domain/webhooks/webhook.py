"""Webhook: a subscription to events, which Daybook sends to a server."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches
from enum import StrEnum
from uuid import UUID

from domain.booking.appointment import Appointment
from domain.catalog.provider import Provider
from domain.errors import Invalid, NotFound
from domain.kernel import Aggregate, event
from domain.scheduling.schedule import Schedule

PUBLISHED: Mapping[type, str] = {
    Appointment.Requested: "appointment.requested",
    Appointment.Booked: "appointment.booked",
    Appointment.Confirmed: "appointment.confirmed",
    Appointment.Declined: "appointment.declined",
    Appointment.Expired: "appointment.expired",
    Appointment.Rescheduled: "appointment.rescheduled",
    Appointment.MoveRequested: "appointment.move_requested",
    Appointment.MoveDeclined: "appointment.move_declined",
    Appointment.MoveExpired: "appointment.move_expired",
    Appointment.Cancelled: "appointment.cancelled",
    Appointment.CheckedIn: "appointment.checked_in",
    Appointment.Completed: "appointment.completed",
    Appointment.NoShow: "appointment.no_show",
    Appointment.NoShowUndone: "appointment.no_show_undone",
    Appointment.OrphanFound: "appointment.orphaned",
    Appointment.Kept: "appointment.kept",
    Appointment.OrphanCleared: "appointment.orphan_cleared",
    Schedule.WeeklySet: "schedule.changed",
    Schedule.Overridden: "schedule.changed",
    Schedule.OverrideLifted: "schedule.changed",
    Schedule.TimeOffTaken: "schedule.changed",
    Schedule.TimeOffChanged: "schedule.changed",
    Schedule.TimeOffCancelled: "schedule.changed",
    Provider.Changed: "provider.changed",
    Provider.Deactivated: "provider.changed",
    Provider.Paused: "provider.changed",
    Provider.Resumed: "provider.changed",
}
"""The events that webhooks can receive, and their public types. Events without a line here are not published."""

TYPES: Sequence[str] = tuple(dict.fromkeys(PUBLISHED.values()))
"""The types that can be subscribed to."""

LONGEST_URL = 2000  # characters
_URL = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?\.?|\[[0-9A-Fa-f:.]{2,45}\])"
    r"(:(?P<port>[0-9]{1,5}))?"
    r"(/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?(\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?",
    re.ASCII,
)


class WebhookStatus(StrEnum):
    ACTIVE = "active"
    DISABLED = "disabled"
    DELETED = "deleted"


class Webhook(Aggregate):
    """Sends a server the events of a provider, or of all providers of an organization, in order.

    With both ids it is about the provider for as long as the provider belongs to the organization.
    """

    class Subscribed(Aggregate.Created):
        by: UUID
        url: str
        types: list[str]
        organization_id: UUID | None
        provider_id: UUID | None

    class Changed(Aggregate.Event):
        by: UUID
        url: str
        types: list[str]

    class Disabled(Aggregate.Event):
        reason: str

    class Resumed(Aggregate.Event):
        by: UUID

    class Rotated(Aggregate.Event):
        by: UUID

    class Deleted(Aggregate.Event):
        by: UUID

    @event(Subscribed)
    def __init__(
        self,
        id: UUID,
        by: UUID,
        url: str,
        types: list[str],
        organization_id: UUID | None,
        provider_id: UUID | None,
        timestamp: datetime,
    ) -> None:
        self.url, self.types, self.subscriber = url, types, by
        self.organization_id, self.provider_id = organization_id, provider_id
        self.state = WebhookStatus.ACTIVE
        self.reason = ""
        self.resumed_at: datetime | None = None

    def change(self, by: UUID, url: str, types: list[str], now: datetime) -> None:
        """Replace URL and types; unchanged ones are not an error."""
        self.check_there()
        if (url, types) != (self.url, self.types):
            self._changed(by=by, url=url, types=types, timestamp=now)

    @event(Changed)
    def _changed(self, by: UUID, url: str, types: list[str], timestamp: datetime) -> None:
        self.url, self.types = url, types

    def disable(self, reason: str, now: datetime) -> None:
        """Stop sending until the webhook is resumed; later events wait."""
        if self.state is WebhookStatus.ACTIVE:
            self._disabled(reason=reason, timestamp=now)

    @event(Disabled)
    def _disabled(self, reason: str, timestamp: datetime) -> None:
        self.state = WebhookStatus.DISABLED
        self.reason = reason

    def resume(self, by: UUID, now: datetime) -> None:
        """Continue where sending stopped; not disabled is not an error."""
        self.check_there()
        if self.state is WebhookStatus.DISABLED:
            self._resumed(by=by, timestamp=now)

    @event(Resumed)
    def _resumed(self, by: UUID, timestamp: datetime) -> None:
        self.state = WebhookStatus.ACTIVE
        self.reason = ""
        self.resumed_at = timestamp

    def rotate(self, by: UUID, now: datetime) -> None:
        """Record that the signing secret was replaced; the secret itself is not in the log."""
        self.check_there()
        self._rotated(by=by, timestamp=now)

    @event(Rotated)
    def _rotated(self, by: UUID, timestamp: datetime) -> None:
        pass

    def delete(self, by: UUID, now: datetime) -> None:
        """Delete the webhook; already deleted is not an error."""
        if self.state is not WebhookStatus.DELETED:
            self._deleted(by=by, timestamp=now)

    @event(Deleted)
    def _deleted(self, by: UUID, timestamp: datetime) -> None:
        self.state = WebhookStatus.DELETED

    def check_there(self) -> None:
        """Raise NotFound once the webhook is deleted."""
        if self.state is WebhookStatus.DELETED:
            raise NotFound("webhook", self.id)


def check_url(url: str, *, plain: bool) -> None:
    """Raise Invalid unless it is an https URL without credentials or fragment. `plain`: http is allowed too."""
    found = _URL.fullmatch(url)
    if found is None or len(url) > LONGEST_URL or int(found["port"] or 1) not in range(1, 65_536):
        raise Invalid("Use an https:// URL such as https://example.org/hook.", "/url")
    if found["scheme"] == "http" and not plain:
        raise Invalid("Use an https:// URL.", "/url")


def check_types(types: Iterable[str]) -> None:
    """Raise Invalid unless there is at least one type and all of them are published."""
    wanted = list(types)
    unknown = next((each for each in wanted if each not in TYPES), None)
    if unknown is not None or not wanted:
        near = get_close_matches(unknown or "", TYPES, n=1)
        hint = f"Unknown type `{(unknown or '')[:64]}`. Did you mean `{near[0]}`? " if near else ""
        raise Invalid(f"{hint}Use one or more of: {', '.join(TYPES)}.", "/types")


def check_about(organization_id: UUID | None, provider_id: UUID | None) -> None:
    """Raise Invalid unless exactly one of the two is given."""
    if (organization_id is None) is (provider_id is None):
        raise Invalid("Send either `organization_id` or `provider_id`.", "/provider_id")
