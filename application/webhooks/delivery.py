"""Delivery: send a webhook's server its events in order, each one until the server accepts it.

Each webhook has a checkpoint in the event log; its next events are read from a read model, never queued. The checkpoint
moves once the server has accepted an event, so a run that dies in between sends the event again, under the same id.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from time import monotonic
from uuid import UUID

from application.access import SYSTEM
from application.current_state import current_state
from application.event_log import EventStore
from application.jobs.job import Job, JobHandlers, JobIdle, JobLease, NotDueYet
from application.webhooks.payload import WebhookEvent, WebhookMessage, message_id, payload
from application.webhooks.ports import (
    DeliveryAttempt,
    DeliveryCheckpoint,
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
    """The end of a run: done, more, failed, disabled, gone. `again`: the time to the next run; None: when woken."""

    word: str
    again: timedelta | None = None


@dataclass(frozen=True, slots=True)
class DeliveryServices:
    """The ports that delivery needs."""

    store: EventStore
    progress: DeliveryProgress
    secrets: SigningSecrets
    post: WebhookSender
    clock: Callable[[], float] = monotonic


def webhook_handlers(services: DeliveryServices) -> JobHandlers:
    """The handler of the one job that each webhook has."""
    return {"deliver": partial(deliver, services=services)}


async def deliver(job: Job, lease: JobLease, services: DeliveryServices) -> str:
    """Send a webhook its next events. The job is idle when all are sent, and while the webhook is disabled."""
    ended = await run(job.subject, lease, services)
    until = None if ended.again is None else services.store.now() + ended.again
    if ended.word == "gone":
        return ended.word
    if ended.word == "failed" and until is not None:
        raise NotDueYet(until)
    raise JobIdle(until)


async def run(webhook_id: UUID, lease: JobLease, means: DeliveryServices) -> DeliveryResult:
    """Send a webhook its next events, until all are sent, one is not accepted, or other webhooks must have their turn.

    Raises the exceptions of `lease`, and Unavailable; no event is lost.
    """
    began, sent = means.clock(), 0
    webhook = await _webhook(webhook_id, means)
    if webhook is None or webhook.state is not WebhookStatus.ACTIVE:
        return await _stopped(webhook_id, webhook, means)
    while (mark := await means.progress.mark(webhook_id)) and mark.position < mark.wanted:
        stretch = await means.progress.ahead(webhook_id, mark.position, mark.wanted, MOST - sent)
        at = mark
        for happening in stretch.happenings:
            if means.clock() - began >= LONGEST:
                return DeliveryResult("more", timedelta())
            attempt = mark.failures + 1 if sent == 0 else 1
            moved = await _send_next(webhook_id, happening, attempt, at, lease, means)
            if isinstance(moved, DeliveryResult):
                return moved
            sent += 1
            if not moved:
                break  # events were asked for again meanwhile: start again from there
            at = replace(at, position=happening.position)
        else:
            await means.progress.pass_over(webhook_id, at, stretch.until)
        if sent >= MOST or means.clock() - began >= LONGEST:
            return DeliveryResult("more", timedelta())
    return DeliveryResult("done")


async def _send_next(
    webhook_id: UUID,
    happening: WebhookEvent,
    attempt: int,
    at: DeliveryCheckpoint,
    lease: JobLease,
    means: DeliveryServices,
) -> DeliveryResult | bool:
    """Send one event: the result that ends the run, or whether the checkpoint was still `at` and has moved on."""
    webhook = await _webhook(webhook_id, means)
    if webhook is None or webhook.state is not WebhookStatus.ACTIVE:
        return await _stopped(webhook_id, webhook, means)
    tried = await _send(webhook, happening, attempt, lease, means)
    if tried.sent.error:
        return await _failed(webhook, tried, means)
    return await means.progress.delivered(tried, at)


async def _send(
    webhook: Webhook, happening: WebhookEvent, attempt: int, lease: JobLease, means: DeliveryServices
) -> DeliveryAttempt:
    message = WebhookMessage(
        message_id(webhook.id, happening.position, happening.at), payload(happening), at=means.store.now()
    )
    secrets = await means.secrets.current(webhook.id)
    await lease.hold()
    sent = await means.post.send(webhook.url, message, secrets) if secrets else SendResult(None, "no secret", 0)
    return DeliveryAttempt(webhook.id, happening.position, message.id, happening.type, attempt, sent)


async def _failed(webhook: Webhook, attempt: DeliveryAttempt, means: DeliveryServices) -> DeliveryResult:
    failing = await means.progress.failed(attempt, webhook.resumed_at)
    gone = attempt.sent.status == GONE
    if gone or failing.lasting >= GIVE_UP:
        reason = "gone" if gone else "failing"
        cause = f"event:{attempt.position}"
        disable = DisableWebhook(by=SYSTEM, webhook_id=webhook.id, reason=reason, cause=cause)
        await disable_webhook(disable, means.store)
        return DeliveryResult("disabled")
    return DeliveryResult("failed", pause(failing.failures, attempt.sent.retry_after))


async def _stopped(webhook_id: UUID, webhook: Webhook | None, means: DeliveryServices) -> DeliveryResult:
    if webhook is None:
        await means.progress.drop(webhook_id)
        return DeliveryResult("gone")
    return DeliveryResult("disabled")


async def _webhook(webhook_id: UUID, means: DeliveryServices) -> Webhook | None:
    """The current state; None once the webhook is deleted."""
    found = await current_state(Webhook, webhook_id, means.store)
    return None if found is None or found.state is WebhookStatus.DELETED else found


def pause(failures: int, retry_after: float | None = None) -> timedelta:
    """The back-off after a number of failures in a row; at least what the server asks for, up to LONGEST_WAIT."""
    doubled = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(failures - 1, 20))
    jittered = doubled * random.uniform(0.75, 1.0)  # noqa: S311  not a secret
    return timedelta(seconds=max(jittered, min(retry_after or 0.0, LONGEST_WAIT)))
