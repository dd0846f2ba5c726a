"""Create, change and delete webhooks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from application.access import SYSTEM, Caller, Role, permit
from application.catalog.membership import check_affiliation, reaches, staff
from application.event_log import Command, EventLog, command
from domain.catalog.organization import Organization, Rank
from domain.catalog.provider import Provider
from domain.errors import Forbidden, Invalid, NotFound
from domain.webhooks.webhook import Webhook, check_about, check_types, check_url


@dataclass(frozen=True, kw_only=True)
class CreateWebhook(Command):
    """Subscribe to events of an organization or a provider. `plain`: http is allowed besides https."""

    id: UUID
    url: str
    types: Sequence[str]
    organization_id: UUID | None = None
    provider_id: UUID | None = None
    plain: bool = False


@dataclass(frozen=True, kw_only=True)
class ChangeWebhook(Command):
    """Change a webhook. None leaves a field unchanged."""

    webhook_id: UUID
    url: str | None = None
    types: Sequence[str] | None = None
    plain: bool = False


@dataclass(frozen=True, kw_only=True)
class RotateWebhook(Command):
    webhook_id: UUID


@dataclass(frozen=True, kw_only=True)
class ResumeWebhook(Command):
    webhook_id: UUID


@dataclass(frozen=True, kw_only=True)
class DeleteWebhook(Command):
    webhook_id: UUID


@dataclass(frozen=True, kw_only=True)
class DisableWebhook(Command):
    """`reason`: gone or failing."""

    webhook_id: UUID
    reason: str


@command
async def create_webhook(cmd: CreateWebhook, log: EventLog, now: datetime) -> Webhook:
    """Subscribe a server to later events."""
    permit(cmd.by, "create_webhook")
    check_url(cmd.url, plain=cmd.plain)
    check_types(cmd.types)
    check_about(cmd.organization_id, cmd.provider_id)
    webhook = Webhook(
        id=cmd.id,
        by=cmd.by.account,
        url=cmd.url,
        types=_ordered(cmd.types),
        organization_id=await _within(cmd, log),
        provider_id=cmd.provider_id,
        timestamp=now,
    )
    await log.record(webhook)
    return webhook


@command
async def change_webhook(cmd: ChangeWebhook, log: EventLog, now: datetime) -> Webhook:
    """Change URL and types, for all events that are not delivered yet."""
    webhook = await _mine(cmd, "change_webhook", cmd.webhook_id, log)
    url = webhook.url if cmd.url is None else cmd.url
    types = webhook.types if cmd.types is None else _ordered(cmd.types)
    if url != webhook.url:
        check_url(url, plain=cmd.plain)
    check_types(types)
    webhook.change(cmd.by.account, url, types, now)
    await log.record(webhook)
    return webhook


@command
async def rotate_webhook(cmd: RotateWebhook, log: EventLog, now: datetime) -> Webhook:
    """Record that the signing secret is replaced. The secret itself is stored outside the log."""
    webhook = await _mine(cmd, "rotate_webhook_secret", cmd.webhook_id, log)
    webhook.rotate(cmd.by.account, now)
    await log.record(webhook)
    return webhook


@command
async def resume_webhook(cmd: ResumeWebhook, log: EventLog, now: datetime) -> Webhook:
    """Resume delivery from the event at which it was disabled."""
    webhook = await _mine(cmd, "resume_webhook", cmd.webhook_id, log)
    webhook.resume(cmd.by.account, now)
    await log.record(webhook)
    return webhook


@command
async def delete_webhook(cmd: DeleteWebhook, log: EventLog, now: datetime) -> Webhook:
    """End the subscription."""
    webhook = await _mine(cmd, "delete_webhook", cmd.webhook_id, log)
    webhook.delete(cmd.by.account, now)
    await log.record(webhook)
    return webhook


@command
async def disable_webhook(cmd: DisableWebhook, log: EventLog, now: datetime) -> Webhook:
    """Stop sending, because the server does not accept events."""
    if cmd.by != SYSTEM:
        raise Forbidden
    webhook = await log.edit(Webhook, cmd.webhook_id)
    webhook.disable(cmd.reason, now)
    await log.record(webhook)
    return webhook


def _ordered(types: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(types))


async def _within(cmd: CreateWebhook, log: EventLog) -> UUID | None:
    """The organization that the webhook is bound to; raises Invalid if the caller does not manage it.

    A manager subscribes for the organization: delivery ends when the provider leaves it.
    """
    if cmd.provider_id is None:
        await check_affiliation(cmd.by, cmd.organization_id, log)
        return cmd.organization_id
    provider = await log.find(Provider, cmd.provider_id)
    if provider is None:
        raise Invalid(f"There is no provider {cmd.provider_id}, or you do not have access.", "/provider_id")
    if _owns(cmd.by, provider):
        return None
    if cmd.by.account not in await staff(cmd.by, provider, log, Rank.MANAGER):
        raise Invalid(f"There is no provider {cmd.provider_id}, or you do not have access.", "/provider_id")
    return UUID(provider.profile["organization_id"])


async def _mine(cmd: Command, operation: str, id: UUID, log: EventLog) -> Webhook:
    permit(cmd.by, operation)
    webhook = await log.edit(Webhook, id)
    webhook.check_there()
    if not await _manages(cmd.by, webhook, log):
        raise NotFound("webhook", id)
    cmd.expect(webhook)
    return webhook


async def _manages(by: Caller, webhook: Webhook, log: EventLog) -> bool:
    """Whether the caller is an admin, a manager of the organization it is bound to, or the provider's owner."""
    if webhook.organization_id is not None:
        organization = await log.find(Organization, webhook.organization_id)
        return organization is not None and reaches(by, organization, Rank.MANAGER)
    assert webhook.provider_id is not None
    provider = await log.find(Provider, webhook.provider_id)
    return provider is not None and _owns(by, provider)


def _owns(by: Caller, provider: Provider) -> bool:
    return by.role is Role.ADMIN or (by.role is Role.PROVIDER and by.id == provider.owner_id)
