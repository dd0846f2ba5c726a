"""Routes of webhooks, which send events to a server."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response

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
from interfaces.http.framework.fields import EmptyBody
from interfaces.http.framework.needs import IdempotencyKeys, Needs
from interfaces.http.framework.paging import next_cursor, page
from interfaces.http.framework.rate_limit import RateLimited, by_account
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import (
    HttpResponse,
    command_response,
    empty_response,
    page_response,
    resource_response,
)
from interfaces.http.framework.routing import Router
from interfaces.http.webhooks.webhook_schemas import (
    ChangeWebhookBody,
    CreateWebhookBody,
    DeliveryFilters,
    DeliveryPage,
    RedeliverWebhookQuery,
    WebhookFilters,
    WebhookPage,
    WebhookResponse,
    WebhookWithSecretResponse,
    delivery_response,
    webhook_response,
)
from projections.query.snapshot import BeyondHead
from projections.read_models import webhook
from projections.read_models.webhook import ListedWebhook

router = Router("/v1/webhooks", "webhooks")


def location(webhook: Webhook) -> str:
    return f"/v1/webhooks/{webhook.id}"


@router.post(
    "",
    "create_webhook",
    WebhookWithSecretResponse,
    status=201,
    needs=Needs(shows_secret=True, limit=RateLimited("webhook", by_account)),
)
async def create(request: RequestContext, body: CreateWebhookBody) -> Response:
    """Create a webhook for events from now on. The secret that verifies messages is shown only once."""
    await request.ports.webhooks.targets.check(body.url)
    command = CreateWebhook(**request.command(), id=new_id(), **body.model_dump(), plain=request.ports.webhooks.plain)
    done = await create_webhook(command, request.ports.store)
    secret = await request.ports.webhooks.secrets.renew(done.aggregate.id)
    fresh = WebhookProgress(done.position, 0, None)
    return command_response(done, lambda made: {**webhook_response(made, fresh), "secret": secret}, location)


@router.get("", "list_webhooks", WebhookPage)
async def find(request: RequestContext, filters: Annotated[WebhookFilters, Query()]) -> Response:
    """List the webhooks that the caller manages."""
    async with request.snapshot("webhook") as read:
        rows, bookmark = await webhook.find(
            read,
            page(request, filters),
            owner=request.owner,
            organization_id=filters.organization_id,
            provider_id=filters.provider_id,
        )
    progress = await request.ports.webhooks.reports.standing([row.id for row in rows])
    items = [webhook_response(row, progress.get(row.id, WebhookProgress(row.since, 0, None))) for row in rows]
    return page_response(items, next_cursor(request, filters, bookmark), read.position)


@router.get("/{webhook_id}", "get_webhook", WebhookResponse)
async def get(request: RequestContext, webhook_id: UUID) -> Response:
    """Get a webhook and its progress. Progress changes without the version."""
    async with request.snapshot("webhook") as read:
        row = await webhook.get(read, webhook_id, owner=request.owner)
    content = await _response(request, _found(row, webhook_id))
    return resource_response({}, content["version"], content, read.position)


@router.patch("/{webhook_id}", "change_webhook", WebhookResponse)
async def change(request: RequestContext, webhook_id: UUID, body: ChangeWebhookBody) -> Response:
    """Change a webhook's URL or event types."""
    if body.url is not None:
        await request.ports.webhooks.targets.check(body.url)
    command = ChangeWebhook(
        **request.command(), webhook_id=webhook_id, url=body.url, types=body.types, plain=request.ports.webhooks.plain
    )
    return await _written(request, await change_webhook(command, request.ports.store))


@router.delete("/{webhook_id}", "delete_webhook")
async def delete(request: RequestContext, webhook_id: UUID) -> Response:
    """Delete a webhook. Its server gets no further messages."""
    return empty_response(
        await delete_webhook(DeleteWebhook(**request.command(), webhook_id=webhook_id), request.ports.store)
    )


@router.post(
    "/{webhook_id}/rotate",
    "rotate_webhook_secret",
    WebhookWithSecretResponse,
    needs=Needs(shows_secret=True, limit=RateLimited("webhook", by_account)),
)
async def rotate(request: RequestContext, webhook_id: UUID, body: EmptyBody) -> Response:  # noqa: ARG001
    """Rotate the signing secret. The new one is shown only once; for 24 hours, messages are signed with both."""
    done = await rotate_webhook(RotateWebhook(**request.command(), webhook_id=webhook_id), request.ports.store)
    secret = await request.ports.webhooks.secrets.renew(webhook_id)
    return await _written(request, done, secret=secret)


@router.post("/{webhook_id}/resume", "resume_webhook", WebhookResponse)
async def resume(request: RequestContext, webhook_id: UUID, body: EmptyBody) -> Response:  # noqa: ARG001
    """Resume a disabled webhook. It continues where it stopped: nothing is lost."""
    command = ResumeWebhook(**request.command(), webhook_id=webhook_id)
    return await _written(request, await resume_webhook(command, request.ports.store))


@router.post(
    "/{webhook_id}/redeliver",
    "redeliver_webhook",
    WebhookResponse,
    needs=Needs(keys=IdempotencyKeys.NONE, limit=RateLimited("webhook", by_account)),
)
async def redeliver(
    request: RequestContext, webhook_id: UUID, query: Annotated[RedeliverWebhookQuery, Query()]
) -> Response:
    """Deliver again all messages after a position, with the same ids."""
    async with request.snapshot("webhook") as read:
        row = _found(await webhook.get(read, webhook_id, owner=request.owner), webhook_id)
    if query.after > read.position:
        raise BeyondHead(read.position, query.after)
    await request.ports.webhooks.reports.go_back(webhook_id, query.after, row.since)
    content = await _response(request, row)
    return resource_response({}, content["version"], content, read.position)


@router.get("/{webhook_id}/deliveries", "list_deliveries", DeliveryPage)
async def deliveries(
    request: RequestContext, webhook_id: UUID, filters: Annotated[DeliveryFilters, Query()]
) -> Response:
    """List delivery attempts, the newest first."""
    query = page(request, filters)
    async with request.snapshot("webhook") as read:
        _found(await webhook.get(read, webhook_id, owner=request.owner), webhook_id)
    before = int(query.after) if query.after else None
    found = await request.ports.webhooks.reports.sent(webhook_id, query.limit + 1, before)
    items = found[: query.limit]
    bookmark = str(items[-1].id) if len(found) > query.limit else None
    return page_response(
        [delivery_response(each) for each in items], next_cursor(request, filters, bookmark), read.position
    )


def _found(row: ListedWebhook | None, id: UUID) -> ListedWebhook:
    if row is None:
        raise NotFound("webhook", id)
    return row


async def _response(request: RequestContext, row: ListedWebhook) -> dict[str, Any]:
    progress = await request.ports.webhooks.reports.standing([row.id])
    return webhook_response(row, progress.get(row.id, WebhookProgress(row.since, 0, None)))


async def _written(request: RequestContext, done: CommandResult[Webhook], **more: Any) -> HttpResponse:
    """Progress is not in the log; before the first delivery, it is the position of the subscription."""
    id = done.aggregate.id
    progress_of = (await request.ports.webhooks.reports.standing([id])).get(id)
    if progress_of is None:
        async with request.reads.open("webhook", sees=request.sees) as read:
            row = await webhook.get(read, id)
        progress_of = WebhookProgress(row.since if row else done.position, 0, None)
    return command_response(done, lambda webhook: {**webhook_response(webhook, progress_of), **more})
