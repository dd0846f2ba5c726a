"""`application.notifications.agenda.Agendas` over the read models."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from application.notifications.agenda import AgendaEntry
from domain.booking.appointment_status import AppointmentStatus
from projections.query.paging import Page
from projections.query.snapshot import EVERYTHING, Snapshots
from projections.read_models import appointment, directory
from projections.read_models.agenda.selection import AppointmentFilter

TAKES_PLACE = (AppointmentStatus.BOOKED, AppointmentStatus.CHECKED_IN, AppointmentStatus.REQUESTED)
MOST = Page(limit=200)
"""Appointments of one provider on one day."""


class AgendaReadModel:
    """Reads the appointments of an account's providers."""

    def __init__(self, reads: Snapshots) -> None:
        self._reads = reads

    async def of(self, account_id: UUID, since: datetime, until: datetime) -> Sequence[AgendaEntry]:
        async with self._reads.open("directory", sees=EVERYTHING) as read:
            providers = [each.id for each in await directory.owned(read, account_id)]
        entries = []
        async with self._reads.open("agenda", sees=EVERYTHING) as read:
            for id in providers:
                that_day = AppointmentFilter(since=since, until=until, provider_ids=[id])
                found, _ = await appointment.find(read, MOST, that_day)
                entries += [
                    AgendaEntry(each.service_id, id, each.customer_id, each.starts_at, each.ends_at)
                    for each in found
                    if each.status in TAKES_PLACE
                ]
        return sorted(entries, key=lambda entry: entry.starts_at)
