"""A provider's week, and everything that delivers webhooks from a log on PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import create_async_engine

from application.booking.appointment import CancelAppointment, book_appointment, cancel_appointment
from application.current_state import current_state
from application.jobs.job import LeaseLost
from application.webhooks import delivery
from application.webhooks.delivery import DeliveryResult, DeliveryServices
from application.webhooks.ports import DeliveryCheckpoint
from application.webhooks.subscription import CreateWebhook, create_webhook
from domain.kernel import new_id
from domain.log_position import position_of
from domain.webhooks.webhook import TYPES, Webhook, WebhookStatus
from infrastructure.database.row_pool import RowPool
from infrastructure.event_log.event_store import EventStore
from infrastructure.webhooks.delivery_progress import DeliveryProgress
from infrastructure.webhooks.sender import WebhookSender
from infrastructure.webhooks.signing_secrets import SigningSecrets
from projections.engine.projector import Projector
from projections.registry import PROJECTIONS
from tests.infrastructure.webhooks.receiver import LOOPBACK, Receiver, status
from tests.support.builders import OpenWeek, an_open_week
from tests.support.sealed import CODEC

NOTE = "allergic to ammonia"
BOTH = ["appointment.booked", "appointment.cancelled"]
OK = status(200)


class Held:
    """application.jobs.job.Lease, of somebody who has it until told otherwise."""

    def __init__(self, *, good_for: int = 10**6) -> None:
        self._left = good_for

    async def hold(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise LeaseLost

    @property
    def held(self) -> bool:
        return self._left >= 0


@dataclass
class Office:
    """A week to book in, and everything that delivers."""

    week: OpenWeek
    store: EventStore
    rows: RowPool
    secrets: SigningSecrets
    subscriptions: DeliveryProgress
    courier: DeliveryServices
    catch_up: Callable[[], Awaitable[None]]
    booked: list[UUID] = field(default_factory=list)

    async def subscribed(self, receiver: Receiver, **more: Any) -> UUID:
        """A webhook of the week's provider; its id."""
        said = {"url": receiver.url, "types": TYPES, "provider_id": self.week.provider_id, **more}
        command = CreateWebhook(by=self.week.owner, id=new_id(), plain=True, **said)
        id = (await create_webhook(command, self.store)).aggregate.id
        await self.secrets.renew(id)
        return id

    async def book(self, *clocks: str, **more: Any) -> None:
        for clock in clocks:
            done = await book_appointment(self.week.booking(clock, note=NOTE, **more), self.store)
            self.booked.append(done.aggregate.id)

    async def cancel(self, n: int = -1) -> None:
        cancel = CancelAppointment(by=self.week.owner, appointment_id=self.booked[n], reason="ill again")
        await cancel_appointment(cancel, self.store)

    async def sweep(self) -> int:
        """As each second."""
        await self.catch_up()
        return await self.subscriptions.wake()

    async def deliver(self, id: UUID, lease: Any = None) -> DeliveryResult:
        """One run, after a sweep."""
        await self.sweep()
        return await delivery.run(id, lease or Held(), self.courier)

    async def mark(self, id: UUID) -> DeliveryCheckpoint:
        found = await self.subscriptions.mark(id)
        assert found is not None
        return found

    async def state(self, id: UUID) -> WebhookStatus:
        found = await current_state(Webhook, id, self.store)
        assert found is not None
        return found.state

    async def back_date(self, id: UUID, hours: float) -> None:
        """As if it had begun to fail so long before."""
        await self.rows.all(
            "UPDATE work.webhook SET failing_since = failing_since - %s WHERE webhook_id = %s",
            [timedelta(hours=hours), id],
        )


@asynccontextmanager
async def an_office(database: Any, store: EventStore, longest: float = 0.6) -> AsyncIterator[Office]:
    engine = create_async_engine(database.url)
    async with (
        RowPool(database.application, size=6) as rows,
        WebhookSender(LOOPBACK, longest=longest) as post,
    ):
        secrets = SigningSecrets(rows, store.keyring)
        subscriptions = DeliveryProgress(rows, store.journal)
        courier = DeliveryServices(store, subscriptions, secrets, post)
        catch_up = Projector(engine, PROJECTIONS, CODEC).catch_up
        yield Office(await an_open_week(store), store, rows, secrets, subscriptions, courier, catch_up)
    await engine.dispose()


def told(receiver: Receiver) -> list[dict[str, Any]]:
    """What it has taken, positions as numbers."""
    messages: list[dict[str, Any]] = [json.loads(each.body) for each in receiver.taken]
    for message in messages:
        message["data"]["position"] = position_of(message["data"]["position"])
    return messages


def types(receiver: Receiver) -> list[str]:
    return [each["type"].partition(".")[2] for each in told(receiver)]


def starts(receiver: Receiver) -> list[str]:
    return [each["data"]["start"][11:16] for each in told(receiver)]
