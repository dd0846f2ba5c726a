"""Things that belong to somebody, as aggregates with their first event."""

from uuid import UUID, uuid4

from domain.booking.waitlist import Waiting, WaitlistDates, WaitlistRequest
from domain.catalog.invitation import Invitations, Invitee
from domain.catalog.organization import Rank
from domain.people.account import Account
from domain.people.consent import Consent
from domain.people.customer import Customer
from domain.personal_data import PersonalData
from domain.webhooks.webhook import Webhook
from tests.projections.story import NOW


def an_account(id: UUID) -> Account:
    contact = PersonalData(id, {"email": "a@example.org", "name": "A", "timezone": "UTC", "language": "en"})
    of = {"by": id, "account_id": id, "role": "customer", "address": uuid4(), "contact": contact}
    return Account(id=Account.id_of(id), **of, timestamp=NOW)


def a_wait(customer_id: UUID, service_id: UUID, provider_id: UUID | None = None) -> Waiting:
    dates: WaitlistDates = {"from": "2030-01-01", "to": "2030-01-02"}
    entry = WaitlistRequest(customer_id, service_id, provider_id, dates, hours=[], timezone="UTC")
    return Waiting.join(uuid4(), uuid4(), entry, NOW)


def a_webhook(provider_id: UUID | None, organization_id: UUID | None = None) -> Webhook:
    whose = {"provider_id": provider_id, "organization_id": organization_id}
    types = ["appointment.booked"]
    return Webhook(id=uuid4(), by=uuid4(), url="https://example.org/", types=types, timestamp=NOW, **whose)


def an_invitation(organization_id: UUID) -> Invitations:
    """The only one of the organization."""
    invitations, id = Invitations.of(organization_id, NOW), uuid4()
    contact = PersonalData(id, {"email": "a@example.org", "language": None})
    invitations.invite(id, Invitee(Rank.STAFF, uuid4(), contact), uuid4(), NOW, as_admin=True)
    return invitations


def a_client(id: UUID) -> Customer:
    """The customer of an account: registered by the account, under the account's id."""
    return Customer(id=id, by=id, details=PersonalData(id, {"name": "Client"}), timestamp=NOW)


def consents(customer: Customer) -> None:
    """To one thing."""
    consent = Consent(uuid4(), "newsletter", NOW, uuid4(), by_customer=False)
    customer.give_consent(consent, PersonalData(customer.id, "I want it."), NOW)
