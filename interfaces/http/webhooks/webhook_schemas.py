"""Bodies, filters and answers about webhooks and deliveries."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from application.webhooks.ports import LoggedDelivery, WebhookProgress
from domain.log_position import position_text
from domain.webhooks.webhook import LONGEST_URL, TYPES, Webhook
from interfaces.http.framework.fields import (
    Body,
    Change,
    Instant,
    LogPosition,
    LogPositionQuery,
    Paging,
    Query,
    Resource,
    Shape,
    absent,
    plain,
)
from interfaces.http.vocabulary.enum_name import EnumName
from projections.read_models.webhook import ListedWebhook

Type = Annotated[str, Field(json_schema_extra={"enum": list(TYPES)}, examples=[TYPES[0]]), EnumName("WebhookEventType")]
Types = Annotated[list[Type], Field(min_length=1, max_length=100)]
Url = Annotated[str, Field(max_length=LONGEST_URL, examples=["https://example.org/hook"])]


class CreateWebhookBody(Body):
    """Events of all providers of an organization, or of one provider."""

    url: Url
    types: Types
    organization_id: UUID | None = None
    provider_id: UUID | None = None


class ChangeWebhookBody(Change):
    """The change applies to everything not yet delivered."""

    url: Url = absent()
    types: Types = absent()


class WebhookResponse(Resource):
    """`position`: the last event that was delivered. `behind`: how many events wait, as last counted.

    `failing_since`: when the server stopped accepting messages. `reason`: why the webhook was disabled.
    An organization's webhook about one provider gets no further messages once the provider leaves.
    """

    url: str
    types: list[str]
    organization_id: UUID | None
    provider_id: UUID | None
    state: Annotated[Literal["active", "disabled"], EnumName("WebhookState")]
    reason: Annotated[Literal["", "failing", "gone"], EnumName("WebhookDisabledReason")]
    created_at: Instant
    position: LogPosition
    behind: int
    failing_since: Instant | None


class WebhookWithSecretResponse(WebhookResponse):
    """`secret` signs messages. It is shown only once."""

    secret: str


class WebhookPage(Shape):
    items: list[WebhookResponse]
    next: str | None


class WebhookFilters(Paging):
    """The webhooks that the caller manages, the oldest first."""

    organization_id: UUID | None = None
    provider_id: UUID | None = None


class DeliveryResponse(Shape):
    """One attempt. `error`: a word, null if the server accepted it. `position`: the event's."""

    id: int
    position: LogPosition
    message_id: str
    type: str
    attempt: int
    at: Instant
    status_code: int | None
    error: str | None
    took_ms: int


class DeliveryPage(Shape):
    items: list[DeliveryResponse]
    next: str | None


class DeliveryFilters(Paging):
    """Attempts of the last 30 days, at most 1,000, the newest first."""


class RedeliverWebhookQuery(Query):
    """Messages after this position are delivered again, with the same ids."""

    after: LogPositionQuery


def webhook_response(webhook: Webhook | ListedWebhook, standing: WebhookProgress) -> dict[str, Any]:
    """A webhook as JSON."""
    return {
        **recorded_webhook_response(webhook),
        "position": position_text(standing.position),
        "behind": standing.behind,
        "failing_since": plain(standing.failing_since) if standing.failing_since else None,
    }


def recorded_webhook_response(webhook: Webhook | ListedWebhook) -> dict[str, Any]:
    """A webhook as the event log has it, without its progress."""
    return {
        "id": webhook.id,
        "version": webhook.version,
        "url": webhook.url,
        "types": list(webhook.types),
        "organization_id": webhook.organization_id,
        "provider_id": webhook.provider_id,
        "state": str(webhook.state),
        "reason": webhook.reason,
        "created_at": plain(webhook.created_at),
    }


def delivery_response(noted: LoggedDelivery) -> Mapping[str, Any]:
    """An attempt as JSON."""
    return {
        "id": noted.id,
        "position": position_text(noted.position),
        "message_id": noted.message_id,
        "type": noted.type,
        "attempt": noted.attempt,
        "at": plain(noted.at),
        "status_code": noted.status_code,
        "error": noted.error or None,
        "took_ms": noted.took_ms,
    }
