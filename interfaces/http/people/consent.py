"""Routes of consent: what a customer has agreed to, in which words, and until when."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Response

from application.people.consent import GiveConsent, WithdrawConsent, give_consent, withdraw_consent
from domain.errors import NotFound
from domain.people.consent import LONGEST_TEXT, Consent
from domain.people.customer import Customer
from interfaces.http.framework.fields import Body, Instant, Paging, Resource, Shape, Slug, plain
from interfaces.http.framework.paging import next_cursor, page
from interfaces.http.framework.request import RequestContext
from interfaces.http.framework.responses import command_response, empty_response, page_response, resource_response
from interfaces.http.framework.routing import Router
from interfaces.http.framework.validation_messages import matching
from projections.read_models import consent, customer
from projections.read_models.consent import ListedConsent

router = Router("/v1/customers/{customer_id}/consents", "customers")


ConsentText = Annotated[
    str, matching(r"^[^\x00]+$", "Must not be empty or contain the character U+0000.", max_length=LONGEST_TEXT)
]


class GiveConsentBody(Body):
    """What the customer has agreed to. `given_at`: in the past, if it was given on paper; null for now."""

    purpose: Slug
    text: ConsentText
    given_at: Instant | None = None


class ConsentResponse(Resource):
    """A consent. `version`: of the customer."""

    customer_id: UUID
    purpose: str
    text: str
    given_at: datetime
    by: UUID
    by_customer: bool
    withdrawn_at: datetime | None
    withdrawn_by: UUID | None


class ConsentPage(Shape):
    items: list[ConsentResponse]
    next: str | None


class ConsentFilters(Paging):
    """The consents of a customer."""


def consent_response(found: ListedConsent) -> Mapping[str, Any]:
    """A consent as JSON."""
    return _body(found.customer_id, found.version, found, found.text)


def recorded_response(customer: Customer, id: UUID) -> Mapping[str, Any]:
    """A consent of a customer as JSON."""
    return _body(customer.id, customer.version, customer.consent(id), customer.consent_text(id))


def _body(customer_id: UUID, version: int, found: Consent | ListedConsent, text: str) -> Mapping[str, Any]:
    return {
        "id": found.id,
        "version": version,
        "customer_id": customer_id,
        "purpose": found.purpose,
        "text": text,
        "given_at": plain(found.given_at),
        "by": found.by,
        "by_customer": found.by_customer,
        "withdrawn_at": found.withdrawn_at and plain(found.withdrawn_at),
        "withdrawn_by": found.withdrawn_by,
    }


@router.post("", "give_consent", ConsentResponse, status=201)
async def give(request: RequestContext, customer_id: UUID, body: GiveConsentBody) -> Response:
    """Record a consent of a customer, in the words that they agreed to."""
    id = request.fresh_id()
    command = GiveConsent(**request.command(), customer_id=customer_id, id=id, **body.model_dump())
    done = await give_consent(command, request.ports.store)
    place = f"/v1/customers/{customer_id}/consents/{id}"
    return command_response(done, lambda customer: recorded_response(customer, id), lambda _: place)


@router.get("", "list_consents", ConsentPage)
async def find(request: RequestContext, customer_id: UUID, filters: Annotated[ConsentFilters, Query()]) -> Response:
    """List the consents of a customer, the last given first; also those that were withdrawn."""
    await _check_seen(request, customer_id)
    async with request.snapshot("consent") as read:
        rows, bookmark = await consent.of_customer(read, customer_id, page(request, filters), owner=request.owner)
    request.shows(customer_id)
    items = [consent_response(row) for row in rows]
    return page_response(items, next_cursor(request, filters, bookmark), read.position)


async def _check_seen(request: RequestContext, customer_id: UUID) -> None:
    """Raise NotFound unless the caller may see the customer."""
    async with request.snapshot("customer") as read:
        if await customer.get(read, customer_id, owner=request.owner) is None:
            raise NotFound("customer", customer_id)


@router.get("/{consent_id}", "get_consent", ConsentResponse)
async def get(request: RequestContext, customer_id: UUID, consent_id: UUID) -> Response:
    """Get a consent."""
    async with request.snapshot("consent") as read:
        row = await consent.get(read, customer_id, consent_id, owner=request.owner)
    if row is None:
        raise NotFound("consent", consent_id)
    request.shows(customer_id)
    return resource_response(request.sent, row.version, consent_response(row), read.position)


@router.delete("/{consent_id}", "withdraw_consent")
async def withdraw(request: RequestContext, customer_id: UUID, consent_id: UUID) -> Response:
    """Withdraw a consent. It stays on record, with the moment of its withdrawal."""
    command = WithdrawConsent(**request.command(), customer_id=customer_id, consent_id=consent_id)
    return empty_response(await withdraw_consent(command, request.ports.store))
