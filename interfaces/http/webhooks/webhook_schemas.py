"""What a webhook and its deliveries look like in requests and answers."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from application.webhooks.ports import LoggedDelivery, WebhookProgress
from domain.webhooks.webhook import LONGEST_URL, TYPES, Webhook
from interfaces.http.framework.fields import (
    Body,
    Change,
    Instant,
    Paging,
    Query,
    Resource,
    Shape,
    absent,
    plain,
)
from projections.read_models.webhook import ListedWebhook

Type = Annotated[str, Field(json_schema_extra={"enum": list(TYPES)}, examples=[TYPES[0]])]
Types = Annotated[list[Type], Field(min_length=1, max_length=100)]
Url = Annotated[str, Field(max_length=LONGEST_URL, examples=["https://example.org/hook"])]


class CreateWebhookBody(Body):
    """About all providers of an organization, or about one provider."""

    url: Url
    types: Types
    organization_id: UUID | None = None
    provider_id: UUID | None = None


class ChangeWebhookBody(Change):
    """For everything that has not been delivered yet."""

    url: Url = absent()
    types: Types = absent()


class WebhookResponse(Resource):
    """`position`: the last event that it was told of. `behind`: how many wait (as far as has been counted).

    `failing_since`: when the server began not to take what is next. `reason`: why it was disabled.
    Managed by an organization and about one provider, it ends to be told when the provider leaves.
    """

    url: str
    types: list[str]
    organization_id: UUID | None
    provider_id: UUID | None
    state: Literal["active", "disabled"]
    reason: Literal["", "failing", "gone"]
    created_at: Instant
    position: int
    behind: int
    failing_since: Instant | None


class WebhookWithSecretResponse(WebhookResponse):
    """`secret` is what messages are signed with. It is shown this once."""

    secret: str


class WebhookPage(Shape):
    items: list[WebhookResponse]
    next: str | None


class WebhookFilters(Paging):
    """The webhooks that the caller manages, the oldest first."""

    organization_id: UUID | None = None
    provider_id: UUID | None = None


class DeliveryResponse(Shape):
    """One attempt. `error`: a word, null when it was taken. `position`: of the event that it told of."""

    id: int
    position: int
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
    """The attempts of the last 30 days, 1,000 at most, the newest first."""


class RedeliverWebhookQuery(Query):
    """Everything after this position is told again, under the same ids."""

    after: int = Field(ge=0, le=2**63 - 1)


def webhook_response(webhook: Webhook | ListedWebhook, standing: WebhookProgress) -> dict[str, Any]:
    """A webhook as answered."""
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
        "position": standing.position,
        "behind": standing.behind,
        "failing_since": plain(standing.failing_since) if standing.failing_since else None,
    }


def delivery_response(noted: LoggedDelivery) -> Mapping[str, Any]:
    """An attempt as answered."""
    return {
        "id": noted.id,
        "position": noted.position,
        "message_id": noted.message_id,
        "type": noted.type,
        "attempt": noted.attempt,
        "at": plain(noted.at),
        "status_code": noted.status_code,
        "error": noted.error or None,
        "took_ms": noted.took_ms,
    }
