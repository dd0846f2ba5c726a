"""Tell a webhook's server what has happened: in order, each event until it is taken, none left out.

A subscription is a reader with a bookmark of its own: what it has yet to be told is looked up in the log's
read model, never queued. The bookmark moves once the server has taken an event, so a run that dies in between
tells it again, under the same id.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import Protocol
from uuid import UUID

from application.access import SYSTEM
from application.current_state import current_state
from application.event_log import EventStore
from application.webhooks.payload import WebhookEvent, WebhookMessage, message_id, payload
from application.webhooks.ports import (
    DeliveryAttempt,
    DeliveryProgress,
    SendResult,
    SigningSecrets,
    WebhookSender,
)
from application.webhooks.subscription import DisableWebhook, disable_webhook
from domain.webhooks.webhook import Webhook, WebhookStatus

MOST = 50  # events in one run
LONGEST = 20.0  # seconds after which a run begins no other event
GIVE_UP = timedelta(hours=24)
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 3600.0  # seconds
LONGEST_WAIT = 4 * 3600.0  # seconds that a server may ask for
GONE = 410


@dataclass(frozen=True, slots=True)
class DeliveryResult:
    """How a run ended: done, more, failed, disabled, gone. `again`: when to run next; None: when woken."""

    word: str
    again: timedelta | None = None


class DeliveryLease(Protocol):
    """application.jobs.job.Lease: who may send for this webhook."""

    async def hold(self) -> None: ...


@dataclass(frozen=True, slots=True)
class DeliveryServices:
    """With what webhooks are delivered."""

    store: EventStore
    progress: DeliveryProgress
    secrets: SigningSecrets
    post: WebhookSender
    clock: Callable[[], float] = monotonic


async def run(webhook_id: UUID, lease: DeliveryLease, means: DeliveryServices) -> DeliveryResult:
    """Tell a webhook what is next, until all is told, something is not taken, or others must have their turn.

    Raises what `lease` raises, and Unavailable; whatever happens, nothing is lost.
    """
    began, told = means.clock(), 0
    webhook = await _webhook(webhook_id, means)
    if webhook is None or webhook.state is not WebhookStatus.ACTIVE:
        return await _stopped(webhook_id, webhook, means)
    while (mark := await means.progress.mark(webhook_id)) and mark.position < mark.wanted:
        stretch = await means.progress.ahead(webhook_id, mark.position, mark.wanted, MOST - told)
        at = mark.position
        for happening in stretch.happenings:
            if means.clock() - began >= LONGEST:
                return DeliveryResult("more", timedelta())
            webhook = await _webhook(webhook_id, means)
            if webhook is None or webhook.state is not WebhookStatus.ACTIVE:
                return await _stopped(webhook_id, webhook, means)
            attempt = await _tell(webhook, happening, mark.failures + 1 if told == 0 else 1, lease, means)
            if attempt.sent.error:
                return await _failed(webhook, attempt, means)
            told += 1
            if not await means.progress.delivered(attempt, at):
                break  # moved back meanwhile: look again where it is
            at = happening.position
        else:
            await means.progress.pass_over(webhook_id, at, stretch.until)
        if told >= MOST or means.clock() - began >= LONGEST:
            return DeliveryResult("more", timedelta())
    return DeliveryResult("done")


async def _tell(
    webhook: Webhook, happening: WebhookEvent, attempt: int, lease: DeliveryLease, means: DeliveryServices
) -> DeliveryAttempt:
    message = WebhookMessage(message_id(webhook.id, happening.position), payload(happening), at=means.store.now())
    secrets = await means.secrets.current(webhook.id)
    await lease.hold()
    sent = await means.post.send(webhook.url, message, secrets) if secrets else SendResult(None, "no secret", 0)
    return DeliveryAttempt(webhook.id, happening.position, message.id, happening.type, attempt, sent)


async def _failed(webhook: Webhook, attempt: DeliveryAttempt, means: DeliveryServices) -> DeliveryResult:
    failing = await means.progress.failed(attempt, webhook.resumed_at)
    gone = attempt.sent.status == GONE
    if gone or failing.lasting >= GIVE_UP:
        reason = "gone" if gone else "failing"
        await disable_webhook(DisableWebhook(by=SYSTEM, webhook_id=webhook.id, reason=reason), means.store)
        return DeliveryResult("disabled")
    return DeliveryResult("failed", pause(failing.failures, attempt.sent.retry_after))


async def _stopped(webhook_id: UUID, webhook: Webhook | None, means: DeliveryServices) -> DeliveryResult:
    if webhook is None:
        await means.progress.drop(webhook_id)
        return DeliveryResult("gone")
    return DeliveryResult("disabled")


async def _webhook(webhook_id: UUID, means: DeliveryServices) -> Webhook | None:
    """As it is now; None once it is deleted."""
    found = await current_state(Webhook, webhook_id, means.store)
    return None if found is None or found.state is WebhookStatus.DELETED else found


def pause(failures: int, retry_after: float | None = None) -> timedelta:
    """How long to wait after so many failures in a row; no less than the server asks for, within reason."""
    doubled = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(failures - 1, 20))
    jittered = doubled * random.uniform(0.75, 1.0)  # noqa: S311  it keeps nothing secret
    return timedelta(seconds=max(jittered, min(retry_after or 0.0, LONGEST_WAIT)))
