"""Ends: of a customer, provider, service, organization or account, and what becomes of its upcoming appointments.

Nothing ends silently: the caller chooses whether they are kept or cancelled. A job cancels all that there are once the
thing has ended, since nobody books any more from then on (`application.booking.ending_jobs`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from application.access import Caller, Role
from application.event_log import Command, EventStore
from application.jobs.job import JobRequest, enqueues
from domain.booking.origin import Party
from domain.catalog.organization import Organization
from domain.catalog.provider import Provider
from domain.catalog.service import Service
from domain.errors import Conflict, Invalid
from domain.kernel import Aggregate
from domain.people.account import Account
from domain.people.customer import Customer


class AppointmentsAhead(Conflict):
    """There are upcoming appointments. Say whether they are cancelled."""

    def __init__(self, ahead: int, way: str = "`appointments=cancel` or `appointments=keep`") -> None:
        """`ahead`: how many. `way`: what to send."""
        noun = "appointment" if ahead == 1 else "appointments"
        super().__init__(f"There are {ahead} upcoming {noun}. Send {way}.", ahead=ahead)


class EndingKind(StrEnum):
    """What ends. ACCOUNT: as the customer, and with all its providers."""

    CUSTOMER = "customer"
    PROVIDER = "provider"
    SERVICE = "service"
    ORGANIZATION = "organization"
    ACCOUNT = "account"

    def stream(self, id: UUID) -> tuple[type[Aggregate], UUID]:
        """The aggregate that ends."""
        return _AGGREGATES[self], Account.id_of(id) if self is EndingKind.ACCOUNT else id


_AGGREGATES: Mapping[EndingKind, type[Aggregate]] = {
    EndingKind.CUSTOMER: Customer,
    EndingKind.PROVIDER: Provider,
    EndingKind.SERVICE: Service,
    EndingKind.ORGANIZATION: Organization,
    EndingKind.ACCOUNT: Account,
}


class AheadChoice(StrEnum):
    """What becomes of the appointments."""

    CANCEL = "cancel"
    KEEP = "keep"


@dataclass(frozen=True, kw_only=True)
class EndingCommand(Command):
    """`ahead`: how many upcoming appointments the read model has; `appointments`: what becomes of them."""

    ahead: int = 0
    appointments: AheadChoice | None = None
    reason: str = ""


class AheadReader(Protocol):
    """Reads upcoming appointments, no older than a log position."""

    async def of(self, kind: EndingKind, id: UUID, now: datetime, position: int | None) -> Sequence[UUID]:
        """The appointments, requests included, that have not ended."""
        ...


class NothingAhead:
    """For an installation without read models."""

    async def of(self, kind: EndingKind, id: UUID, now: datetime, position: int | None) -> Sequence[UUID]:  # noqa: ARG002
        """Always empty."""
        return ()


@dataclass(frozen=True, slots=True)
class EndingServices:
    """The services of the jobs on upcoming appointments."""

    store: EventStore
    ahead: AheadReader


@enqueues("cancel_ahead")
def cancellation(cmd: EndingCommand, kind: EndingKind, id: UUID) -> Sequence[JobRequest]:
    """The job that cancels what lies ahead, if the caller chose that.

    Raises AppointmentsAhead without a choice, and Invalid without a reason where staff cancel.
    """
    if cmd.appointments is None:
        if cmd.ahead:
            raise AppointmentsAhead(cmd.ahead)
        return ()
    party = _party(cmd.by, kind, id)
    if cmd.appointments is AheadChoice.KEEP:
        return ()
    if not cmd.reason and party is not Party.CUSTOMER:
        raise Invalid("Staff must give a reason.", "/reason")
    said = {"kind": kind.value, "id": str(id), "party": party.value, "reason": cmd.reason}
    return [JobRequest("cancel_ahead", said, subject=id)]


def _party(by: Caller, kind: EndingKind, id: UUID) -> Party:
    if kind in {EndingKind.CUSTOMER, EndingKind.ACCOUNT} and by.id == id:
        return Party.CUSTOMER
    return Party.CUSTOMER if by.role is Role.CUSTOMER else Party.STAFF
