"""Webhooks: servers that are told what happens."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from application.event_log import CommandResult
from application.webhooks.ports import WebhookProgress
from application.webhooks.subscription import (
    ChangeWebhook,
    CreateWebhook,
    DeleteWebhook,
    ResumeWebhook,
    RotateWebhook,
    change_webhook,
    create_webhook,
    delete_webhook,
    resume_webhook,
    rotate_webhook,
)
from domain.errors import NotFound
from domain.kernel import new_id
from domain.webhooks.webhook import Webhook
from interfaces.http.framework.fields import Nothing
from interfaces.http.framework.paging import page, sealed
from interfaces.http.framework.rate_limit import also, take
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import HttpResponse, ended, listed, seen, written
from interfaces.http.framework.routing import Route
from interfaces.http.webhooks.webhook_schemas import (
    DeliveryFilters,
    DeliveryPage,
    NewWebhook,
    Redelivery,
    WebhookChange,
    WebhookFilters,
    WebhookMade,
    WebhookPage,
    WebhookShown,
    delivery_shown,
    shown,
)
from projections.query.snapshot import BeyondHead
from projections.read_models import webhook
from projections.read_models.webhook import ListedWebhook

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"], route_class=Route)


def location(webhook: Webhook) -> str:
    return f"/v1/webhooks/{webhook.id}"


@router.post("", operation_id="create_webhook", status_code=201, response_model=WebhookMade)
async def create(ask: RequestContext, body: NewWebhook) -> Response:
    """Have a server told what happens from now on. The secret to verify it by is shown this once."""
    room = await take(ask, ask.caller.account)
    command = CreateWebhook(**ask.command(), id=new_id(), **body.model_dump(), plain=ask.hooks.plain)
    done = await create_webhook(command, ask.ports.store)
    secret = await ask.hooks.secrets.renew(done.aggregate.id)
    fresh = WebhookProgress(done.position, 0, None)
    return also(written(done, lambda made: {**shown(made, fresh), "secret": secret}, location), room)


@router.get("", operation_id="list_webhooks", response_model=WebhookPage)
async def find(ask: RequestContext, filters: Annotated[WebhookFilters, Query()]) -> Response:
    """List the webhooks that the caller manages."""
    async with ask.look("webhook") as read:
        rows, bookmark = await webhook.find(
            read,
            page(ask, filters),
            owner=ask.owner,
            organization_id=filters.organization_id,
            provider_id=filters.provider_id,
        )
    standings = await ask.hooks.standings.standing([row.id for row in rows])
    items = [shown(row, standings.get(row.id, WebhookProgress(row.since, 0, None))) for row in rows]
    return listed(items, sealed(ask, filters, bookmark), read.position)


@router.get("/{webhook_id}", operation_id="get_webhook", response_model=WebhookShown)
async def get(ask: RequestContext, webhook_id: UUID) -> Response:
    """Show a webhook and where it stands, which changes without its version."""
    async with ask.look("webhook") as read:
        row = await webhook.get(read, webhook_id, owner=ask.owner)
    told = await _told(ask, _there(row, webhook_id))
    return seen({}, told["version"], told, read.position)


@router.patch("/{webhook_id}", operation_id="change_webhook", response_model=WebhookShown)
async def change(ask: RequestContext, webhook_id: UUID, body: WebhookChange) -> Response:
    """Tell another URL, or of other things."""
    command = ChangeWebhook(
        **ask.command(), webhook_id=webhook_id, url=body.url, types=body.types, plain=ask.hooks.plain
    )
    return await _written(ask, await change_webhook(command, ask.ports.store))


@router.delete("/{webhook_id}", operation_id="delete_webhook", status_code=204)
async def delete(ask: RequestContext, webhook_id: UUID) -> Response:
    """Tell that server nothing any more."""
    return ended(await delete_webhook(DeleteWebhook(**ask.command(), webhook_id=webhook_id), ask.ports.store))


@router.post("/{webhook_id}/rotate", operation_id="rotate_webhook", response_model=WebhookMade)
async def rotate(ask: RequestContext, webhook_id: UUID, body: Nothing) -> Response:  # noqa: ARG001
    """Sign with a new secret, shown this once; for 24 hours with the one before as well."""
    room = await take(ask, ask.caller.account)
    done = await rotate_webhook(RotateWebhook(**ask.command(), webhook_id=webhook_id), ask.ports.store)
    secret = await ask.hooks.secrets.renew(webhook_id)
    return also(await _written(ask, done, secret=secret), room)


@router.post("/{webhook_id}/resume", operation_id="resume_webhook", response_model=WebhookShown)
async def resume(ask: RequestContext, webhook_id: UUID, body: Nothing) -> Response:  # noqa: ARG001
    """Go on where it was disabled: nothing is lost."""
    command = ResumeWebhook(**ask.command(), webhook_id=webhook_id)
    return await _written(ask, await resume_webhook(command, ask.ports.store))


@router.post("/{webhook_id}/redeliver", operation_id="redeliver_webhook", response_model=WebhookShown)
async def redeliver(ask: RequestContext, webhook_id: UUID, asked: Annotated[Redelivery, Query()]) -> Response:
    """Tell again what comes after a position, under the same ids."""
    async with ask.look("webhook") as read:
        row = _there(await webhook.get(read, webhook_id, owner=ask.owner), webhook_id)
    if asked.after > read.position:
        raise BeyondHead(read.position, asked.after)
    room = await take(ask, ask.caller.account)
    await ask.hooks.standings.go_back(webhook_id, asked.after, row.since)
    told = await _told(ask, row)
    return also(seen({}, told["version"], told, read.position), room)


@router.get("/{webhook_id}/deliveries", operation_id="list_deliveries", response_model=DeliveryPage)
async def deliveries(ask: RequestContext, webhook_id: UUID, filters: Annotated[DeliveryFilters, Query()]) -> Response:
    """List what was sent, the newest first."""
    asked = page(ask, filters)
    async with ask.look("webhook") as read:
        _there(await webhook.get(read, webhook_id, owner=ask.owner), webhook_id)
    before = int(asked.after) if asked.after else None
    found = await ask.hooks.standings.sent(webhook_id, asked.limit + 1, before)
    items = found[: asked.limit]
    bookmark = str(items[-1].id) if len(found) > asked.limit else None
    return listed([delivery_shown(each) for each in items], sealed(ask, filters, bookmark), read.position)


def _there(row: ListedWebhook | None, id: UUID) -> ListedWebhook:
    if row is None:
        raise NotFound("webhook", id)
    return row


async def _told(ask: RequestContext, row: ListedWebhook) -> dict[str, Any]:
    standings = await ask.hooks.standings.standing([row.id])
    return shown(row, standings.get(row.id, WebhookProgress(row.since, 0, None)))


async def _written(ask: RequestContext, done: CommandResult[Webhook], **more: Any) -> HttpResponse:
    """Where it stands is not in the log: before anything happens, that is where it was subscribed."""
    id = done.aggregate.id
    standing = (await ask.hooks.standings.standing([id])).get(id)
    if standing is None:
        async with ask.ports.reads.open("webhook", sees=ask.sees) as read:
            row = await webhook.get(read, id)
        standing = WebhookProgress(row.since if row else done.position, 0, None)
    return written(done, lambda webhook: {**shown(webhook, standing), **more})
