"""The state of an aggregate as JSON: what its route answers, and what the routes of its parts answer."""

from collections.abc import Mapping
from enum import Enum
from typing import Any

from pydantic_core import from_json, to_json

from application.event_log import EventReader
from domain.booking.appointment import Appointment
from domain.booking.hold import Hold
from domain.booking.waitlist import Waiting
from domain.catalog.organization import Organization
from domain.catalog.provider import Provider
from domain.catalog.provider_profile import ABOUT
from domain.catalog.service import Service
from domain.catalog.tag import Tag
from domain.kernel import Aggregate
from domain.people.account import Account
from domain.people.customer import Customer, CustomerDetails
from domain.personal_data import PersonalData
from domain.scheduling.schedule import Schedule
from domain.webhooks.webhook import Webhook
from interfaces.http.booking.appointment_response import TEXTS, appointment_response
from interfaces.http.booking.hold import hold_response
from interfaces.http.booking.waitlist_schemas import recorded_waitlist_response
from interfaces.http.catalog.organization_schemas import organization_response
from interfaces.http.catalog.provider import provider_response
from interfaces.http.catalog.service_schemas import service_response
from interfaces.http.catalog.tag import tag_response
from interfaces.http.people.customer import customer_response
from interfaces.http.people.me import account_response
from interfaces.http.scheduling.schedule_schemas import schedule_response
from interfaces.http.webhooks.webhook_schemas import recorded_webhook_response
from projections.read_models.account import CONTACT
from projections.read_models.history import FORGOTTEN

State = dict[str, Any]
"""JSON."""
_CONTACT = (*CONTACT, "reminders", "notifications")


async def state_of(aggregate: Aggregate, log: EventReader) -> State:
    """The aggregate as JSON. `log`: reads at the same position. Personal data of the erased is FORGOTTEN."""
    state: State = from_json(to_json(await _answered(aggregate, log)))
    _forget(aggregate, state)
    return state


async def _answered(aggregate: Aggregate, log: EventReader) -> Mapping[str, Any]:
    match aggregate:
        case Appointment():
            return {**appointment_response(aggregate), "organization_id": aggregate.organization_id}
        case Customer():
            return {**customer_response(aggregate), "claimed_by": aggregate.claimed_by}
        case Organization():
            parts = {"members": dict(aggregate.members), "holidays": dict(aggregate.holidays)}
            return {**organization_response(aggregate), **parts}
        case Waiting():
            service = await log.load(Service, aggregate.service_id)
            return recorded_waitlist_response(aggregate, service.terms["duration"])
        case _:
            return _plainly_answered(aggregate)


def _plainly_answered(aggregate: Aggregate) -> Mapping[str, Any]:
    for kind, answered in _ANSWERED:
        if isinstance(aggregate, kind):
            return answered(aggregate)  # type: ignore[no-any-return]
    return {name: _value(value) for name, value in vars(aggregate).items() if not name.startswith("_")}


_ANSWERED: tuple[tuple[type[Aggregate], Any], ...] = (
    (Account, account_response),
    (Hold, hold_response),
    (Provider, provider_response),
    (Schedule, schedule_response),
    (Service, service_response),
    (Tag, tag_response),
    (Webhook, recorded_webhook_response),
)
"""The other kinds have no route of their own: their fields are told as they are."""


def _value(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _value(each) for key, each in value.items()}
    if isinstance(value, PersonalData):
        return FORGOTTEN if value.value is None else _value(value.value)
    if hasattr(value, "_asdict"):
        return _value(value._asdict())
    if isinstance(value, list | tuple | set | frozenset):
        return [_value(each) for each in value]
    return value.value if isinstance(value, Enum) else value


def _forget(aggregate: Aggregate, state: State) -> None:
    """Replace the personal data that no key opens any more."""
    match aggregate:
        case Appointment():
            _hide(aggregate.told, state, *TEXTS)
            _hide(aggregate.reason, state.get("cancelled") or state.get("declined") or {}, "reason")
        case Customer():
            _hide(aggregate.details, state, *CustomerDetails.__annotations__)
        case Provider():
            _hide(aggregate.about, state, *ABOUT)
        case Account():
            _hide(aggregate.contact, state, *_CONTACT)
        case Schedule():
            reasons = {str(id): reason for id, reason in aggregate.reasons.items()}
            for off in state["time_off"]:
                _hide(reasons[off["id"]], off, "reason")
        case _:
            pass


def _hide(personal: PersonalData | None, state: State, *names: str) -> None:
    if personal is not None and personal.value is None:
        state.update(dict.fromkeys(names, FORGOTTEN))
