"""What a request of the matrix uses up, or what must be somebody's own: made anew for each of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import pyotp

from application.access import SYSTEM, Caller, Role
from application.booking.waitlist import OfferPlace, offer_place
from application.identity.one_time_tokens import Verification
from domain.kernel import new_id
from domain.people.account import Account
from projections.read_models.jobs.job import key_of
from tests.interfaces.http.tenants import CALLERS, Tenants, an_account_of
from tests.support.signing import PASSWORD, an_account, one_time_code

Parts = Mapping[str, Any]
"""Ids by name. `said`: more of the body; `query`; `by`: who asks instead; `whose`: see Asked."""


async def _provider(it: Tenants, _: str) -> Parts:
    return {"provider_id": await it.a_provider("owner", it.names["organization_id"])}


async def _replaced_provider(it: Tenants, _: str) -> Parts:
    return {**await _provider(it, _), "said": {"organization_id": it.names["organization_id"]}}


async def _override(it: Tenants, _: str) -> Parts:
    parts = await _provider(it, _)
    path = f"/v1/providers/{parts['provider_id']}/schedule/overrides/{it.names['date']}"
    assert (await it.api.put(path, {"hours": []}, it.callers["admin"], if_match="*")).is_success
    return parts


async def _time_off(it: Tenants, _: str) -> Parts:
    parts = await _provider(it, _)
    said = {"start": "2030-08-01T00:00:00Z", "end": "2030-08-02T00:00:00Z"}
    made = await it.made(f"/v1/providers/{parts['provider_id']}/time-off", said)
    return {**parts, "time_off_id": made["id"]}


async def _service(it: Tenants, _: str) -> Parts:
    provider_id = it.names["provider_id"]
    return {"service_id": await it.a_service(provider_id), "said": {"provider_id": provider_id}}


async def _marked_service(it: Tenants, _: str) -> Parts:
    return {"service_id": await it.a_service(it.names["provider_id"])}


async def _new_service(it: Tenants, _: str) -> Parts:
    return {"said": {"provider_id": it.names["provider_id"]}}


async def _of_organization(it: Tenants, _: str) -> Parts:
    return {"said": {"organization_id": it.names["organization_id"]}}


async def _organization(it: Tenants, _: str) -> Parts:
    return {"organization_id": await it.an_organization("chief", manager="manager", staff="staff", owner="staff")}


async def _newcomer(_: Tenants, __: str) -> Parts:
    return {"said": {"account_id": str(new_id())}}


async def _member(it: Tenants, _: str) -> Parts:
    account_id = str(new_id())
    await it.a_member(it.names["organization_id"], account_id)
    return {"account_id": account_id}


async def _new_invitation(it: Tenants, _: str) -> Parts:
    return {**await _organization(it, _), "said": {"email": f"{new_id()}@example.org"}}


async def _invitation(it: Tenants, caller: str) -> Parts:
    """To somebody new, whom `customer` means."""
    organization_id = (await _organization(it, caller))["organization_id"]
    name = str(new_id())
    invited = await an_account_of(it.api, Role.CUSTOMER, name)
    path = f"/v1/organizations/{organization_id}/invitations"
    made = await it.made(path, {"email": f"{name}@example.org"}, idempotency_key=name)
    by = invited if caller == "customer" else it.callers[caller]
    return {"organization_id": organization_id, "invitation_id": made["id"], "by": by}


async def _holiday(it: Tenants, _: str) -> Parts:
    path = f"/v1/organizations/{it.names['organization_id']}/holidays/{it.names['date']}"
    assert (await it.api.put(path, {"name": "Rest"}, it.callers["admin"], if_match="*")).is_success
    return {}


async def _tag(it: Tenants, _: str) -> Parts:
    return {"tag_id": (await it.made("/v1/tags", {"slug": f"tag-{new_id()}"}))["id"]}


async def _merged_tag(it: Tenants, _: str) -> Parts:
    return {**await _tag(it, _), "said": {"into": (await _tag(it, _))["tag_id"]}}


async def _appointment(it: Tenants, _: str) -> Parts:
    return {"appointment_id": await it.an_appointment()}


async def _job(it: Tenants, _: str) -> Parts:
    """Of telling somebody that they have booked."""
    return {"job_id": str(key_of(UUID(await it.an_appointment()), "booked", 1))}


async def _projection(it: Tenants, _: str) -> Parts:
    return {"projection": "agenda"}


async def _no_verification(it: Tenants, _: str) -> Parts:
    """The one before is over."""
    await it.api.people.rows.all("UPDATE work.verification SET outcome = 'intact' WHERE outcome IS NULL")
    return {}


async def _verification(it: Tenants, _: str) -> Parts:
    await it.api.people.rows.all(
        "INSERT INTO work.verification (id, started_by, total) "
        "VALUES (gen_random_uuid(), gen_random_uuid(), 0) ON CONFLICT DO NOTHING"
    )
    return {}


async def _moved(it: Tenants, _: str) -> Parts:
    return {**await _appointment(it, _), "said": {"start": it.at("10:00")}}


async def _cancelled(it: Tenants, _: str) -> Parts:
    return {**await _appointment(it, _), "query": {"reason": "Ill."}}


async def _booking(it: Tenants, _: str) -> Parts:
    said = {name: it.names[name] for name in ("service_id", "provider_id", "customer_id")}
    return {"said": {**said, "start": f"{it.another_day():%Y-%m-%d}T11:00:00Z"}, "whose": said["customer_id"]}


async def _hold(it: Tenants, _: str) -> Parts:
    start = f"{it.another_day():%Y-%m-%d}T13:00:00Z"
    said = {name: it.names[name] for name in ("service_id", "provider_id")} | {"start": start}
    made = await it.made("/v1/holds", said, "customer", idempotency_key=str(new_id()))
    return {"hold_id": made["id"]}


async def _request(it: Tenants, _: str) -> Parts:
    provider = await _provider(it, _)
    service_id = await it.a_service(provider["provider_id"], approval=True)
    return {"appointment_id": await it.an_appointment(service_id=service_id, **provider)}


async def _wish(it: Tenants, _: str) -> Parts:
    day = f"{it.another_day():%Y-%m-%d}"
    said: dict[str, Any] = {name: it.names[name] for name in ("service_id", "provider_id", "customer_id")}
    return {"said": {**said, "dates": {"from": day, "to": day}}, "whose": said["customer_id"]}


async def _waiting(it: Tenants, _: str) -> Parts:
    return {"waiting_id": await it.a_waiting()}


async def _wanted(it: Tenants, _: str) -> Parts:
    """Somebody waits for a provider who is free: a customer has one offer of a provider at a time."""
    provider = await _provider(it, _)
    id = await it.a_waiting(**provider, service_id=await it.a_service(provider["provider_id"]))
    day = (await it.api.get(f"/v1/waitlist/{id}", it.callers["admin"])).json()["dates"]["from"]
    return {"waiting_id": id, "said": {"start": f"{day}T12:00:00Z", "provider_id": None}}


async def _offered(it: Tenants, _: str) -> Parts:
    provider = await _provider(it, _)
    id = await it.a_waiting(**provider, service_id=await it.a_service(provider["provider_id"]))
    start = it.monday + timedelta(hours=14)
    kept = {"hold_id": new_id(), "provider_id": UUID(provider["provider_id"]), "start": start}
    await offer_place(OfferPlace(by=SYSTEM, waiting_id=UUID(id), **kept), it.api.ports.store)
    return {"waiting_id": id}


async def _of_claimed_guest(it: Tenants, _: str) -> Parts:
    return {"appointment_id": it.names["claimed_appointment_id"]}


async def _starts(it: Tenants, _: str) -> Parts:
    day = {"from": it.at("00:00"), "to": it.at("23:00")}
    return {"query": {"service_id": it.names["service_id"], **day}}


async def _earliest(it: Tenants, _: str) -> Parts:
    return {"query": {"service_id": it.names["service_id"]}}


async def _why(it: Tenants, _: str) -> Parts:
    return {"query": {"service_id": it.names["service_id"], "start": it.at("09:00")}}


async def _why_then(it: Tenants, _: str) -> Parts:
    """At the end of the log."""
    head = (await it.api.ask("GET", "/v1/audit/position", it.callers["admin"])).json()["position"]
    return {"query": {**(await _why(it, _))["query"], "at": head}}


async def _customer(it: Tenants, caller: str) -> Parts:
    """Somebody whose record can end; `customer` means them."""
    new = await an_account_of(it.api, Role.CUSTOMER)
    return {"customer_id": str(new.id), "by": new if caller == "customer" else it.callers[caller]}


async def _claimed(it: Tenants, _: str) -> Parts:
    return {"customer_id": it.names["claimed_id"]}


async def _guest(it: Tenants, _: str) -> Parts:
    return {"customer_id": await it.a_guest()}


async def _consent(it: Tenants, _: str, customer_id: str = "") -> Parts:
    customer_id = customer_id or it.names["customer_id"]
    said = {"purpose": "newsletter", "text": "I want the newsletter."}
    made = await it.made(f"/v1/customers/{customer_id}/consents", said, idempotency_key=str(new_id()))
    return {"customer_id": customer_id, "consent_id": made["id"]}


async def _consent_of_guest(it: Tenants, caller: str) -> Parts:
    return await _consent(it, caller, await it.a_guest())


async def _consent_of_claimed(it: Tenants, caller: str) -> Parts:
    return await _consent(it, caller, it.names["claimed_id"])


async def _two_guests(it: Tenants, _: str) -> Parts:
    return {"customer_id": await it.a_guest(), "said": {"into": await it.a_guest()}}


async def _account_and_guest(it: Tenants, _: str) -> Parts:
    return {"customer_id": it.names["customer_id"], "said": {"into": await it.a_guest()}}


async def _address(_: Tenants, __: str) -> Parts:
    return {"said": {"email": f"{new_id()}@example.org"}}


async def _user(it: Tenants, _: str) -> Parts:
    return {"account_id": str((await an_account_of(it.api, Role.CUSTOMER)).id)}


async def _oneself(it: Tenants, caller: str) -> Parts:
    """Somebody new in the caller's role, who has a password: what they do is about themselves."""
    role = CALLERS[caller]
    if role is Role.ANONYMOUS:
        return {}
    return {"by": Caller(await an_account(it.api.ports.identity.signing, f"{new_id()}@example.org", role=role), role)}


async def _name(it: Tenants, caller: str) -> Parts:
    """With a password, whoever asks."""
    email = f"{new_id()}@example.org"
    await an_account(it.api.ports.identity.signing, email)
    return {"by": it.callers[caller], "said": {"username": email}}


async def _codes(it: Tenants, caller: str) -> Parts:
    parts = await _oneself(it, caller)
    if not parts:
        return {}
    begun = await it.api.post("/v1/auth/totp", {"password": PASSWORD}, parts["by"])
    return {**parts, "totp": pyotp.TOTP(begun.json()["secret"]), **await _code(it, begun.json()["secret"], 0)}


async def _codes_in_force(it: Tenants, caller: str) -> Parts:
    parts = await _codes(it, caller)
    if not parts:
        return {}
    said = {"code": parts["said"]["code"]}
    assert (await it.api.post("/v1/auth/totp/confirm", said, parts["by"])).is_success
    return {**parts, **await _code(it, parts["totp"].secret, 1)}


async def _code(it: Tenants, secret: str, steps: int) -> Parts:
    return {"said": {"code": await one_time_code(pyotp.TOTP(secret), it.api.ports.store.now, steps)}}


async def _session(it: Tenants, caller: str, whose: str = "customer") -> Parts:
    """A session of somebody's, whom `customer` means."""
    signing = it.api.ports.identity.signing
    assert signing is not None
    id = await an_account(signing, f"{new_id()}@example.org")
    credential = await signing.credentials.get(id)
    assert credential is not None
    session, refresh = await signing.sessions.open(id, "", proven=credential.password)
    by = Caller(id, Role.CUSTOMER) if caller == whose else it.callers[caller]
    return {"session_id": str(session.id), "by": by, "said": {"refresh_token": refresh}}


async def _api_key(it: Tenants, caller: str) -> Parts:
    """A key of somebody's, whom `owner` means."""
    signing = it.api.ports.identity.signing
    assert signing is not None
    id = await an_account(signing, f"{new_id()}@example.org", role=Role.PROVIDER)
    key, _ = await signing.keys.make(id, "screen", ["read"], None)
    by = Caller(id, Role.PROVIDER) if caller == "owner" else it.callers[caller]
    return {"key_id": str(key.id), "by": by}


async def _new_webhook(it: Tenants, _: str) -> Parts:
    return {"said": {"provider_id": it.names["provider_id"]}}


async def _new_webhook_of_organization(it: Tenants, _: str) -> Parts:
    return {"said": {"provider_id": None, "organization_id": it.names["organization_id"]}}


async def _webhook(it: Tenants, _: str, by: str = "owner", **about: Any) -> Parts:
    """The owner's, of their provider."""
    about = about or {"provider_id": it.names["provider_id"]}
    said = {"url": "https://example.org/hook", "types": ["appointment.booked"], **about}
    made = await it.made("/v1/webhooks", said, by)
    return {"webhook_id": made["id"]}


async def _webhook_of_organization(it: Tenants, _: str) -> Parts:
    return await _webhook(it, _, "chief", organization_id=it.names["organization_id"])


async def _managed_webhook(it: Tenants, _: str) -> Parts:
    """A manager's, of the owner's provider."""
    return await _webhook(it, _, "manager", provider_id=it.names["provider_id"])


async def _redelivered(it: Tenants, _: str) -> Parts:
    return {**await _webhook(it, _), "query": {"after": 0}}


async def _redelivered_of_organization(it: Tenants, _: str) -> Parts:
    return {**await _webhook_of_organization(it, _), "query": {"after": 0}}


async def _no_expiry(it: Tenants, caller: str) -> Parts:
    return {**await _oneself(it, caller), "said": {"expires_at": None}}


async def _ticket(it: Tenants, _: str) -> Parts:
    signing = it.api.ports.identity.signing
    assert signing is not None
    id = await an_account(signing, f"{new_id()}@example.org")
    ticket = await signing.tickets.issue(id, "reset", timedelta(hours=1))
    return {"said": {"code": ticket, "password": "seven herons over the weir"}}


async def _proof(it: Tenants, _: str) -> Parts:
    said = {"email": f"{new_id()}@example.org", "password": "", "name": "Grace Hopper", "role": "customer"}
    address = await it.api.ports.store.address_id(said["email"])
    told = Verification(
        account_id=new_id(),
        said={**said, "timezone": None, "language": None},
        about=address,
        asked_at=it.api.ports.store.now(),
        streams=[address],
    )
    return {"said": {"code": await it.api.people.verifications.issue(told)}}


async def _appointment_then(it: Tenants, _: str) -> Parts:
    return {"stream_id": it.names["appointment_id"]}


async def _guest_then(it: Tenants, _: str) -> Parts:
    return {"stream_id": it.names["guest_id"]}


async def _account_then(it: Tenants, _: str) -> Parts:
    """Of the owner, who is a member of the organization."""
    return {"stream_id": str(Account.id_of(it.callers["owner"].account))}


async def _request_then(it: Tenants, _: str) -> Parts:
    """That booked the appointment."""
    query = (
        "SELECT metadata->>'correlation' FROM log.stored_events WHERE originator_id = %s ORDER BY originator_version"
    )
    found = it.watch.execute(query, [it.names["appointment_id"]]).fetchone()
    assert found is not None
    return {"request_id": found[0]}


async def _appointment_since(it: Tenants, _: str) -> Parts:
    return {**await _appointment_then(it, _), "query": {"from": "0.0"}}


async def _first_event(_: Tenants, __: str) -> Parts:
    return {"event": "0.1"}


async def _since_the_first(_: Tenants, __: str) -> Parts:
    return {"query": {"from": "0.1"}}


async def _metric(it: Tenants, _: str) -> Parts:
    organization = it.names["organization_id"]
    query = {"from": "2030-01-01", "to": "2030-12-31", "organization_id": organization}
    return {"metric": "utilisation", "query": query, "whose": organization}


FRESH: Mapping[str, Callable[[Tenants, str], Awaitable[Parts]]] = {
    "get_inclusion_proof": _first_event,
    "get_consistency_proof": _since_the_first,
    "get_past_state": _appointment_then,
    "get_past_state:guest": _guest_then,
    "get_past_state:account": _account_then,
    "get_state_difference": _appointment_since,
    "get_stream_history": _appointment_then,
    "get_request_chain": _request_then,
    "find_starts": _starts,
    "get_metric": _metric,
    "find_earliest_starts": _earliest,
    "explain_availability": _why,
    "explain_availability:then": _why_then,
    "book_appointment": _booking,
    "join_waitlist": _wish,
    "leave_waitlist": _waiting,
    "make_offer": _wanted,
    "accept_offer": _offered,
    "place_hold": _booking,
    "get_hold": _hold,
    "extend_hold": _hold,
    "release_hold": _hold,
    "confirm_appointment": _request,
    "decline_appointment": _request,
    "get_appointment:claimed": _of_claimed_guest,
    "change_appointment": _appointment,
    "delete_appointment": _cancelled,
    "reschedule_appointment": _moved,
    "cancel_appointment": _appointment,
    "check_in_appointment": _appointment,
    "complete_appointment": _appointment,
    "mark_no_show": _appointment,
    "undo_no_show": _appointment,
    "keep_appointment": _appointment,
    "ask_to_rebook": _appointment,
    "create_provider:organization": _of_organization,
    "replace_provider": _replaced_provider,
    "change_provider": _provider,
    "delete_provider": _provider,
    "pause_provider": _provider,
    "resume_provider": _provider,
    "replace_schedule": _provider,
    "replace_override": _provider,
    "delete_override": _override,
    "create_time_off": _provider,
    "replace_time_off": _time_off,
    "delete_time_off": _time_off,
    "create_service": _new_service,
    "replace_service": _service,
    "delete_service": _service,
    "pause_service": _marked_service,
    "resume_service": _marked_service,
    "create_customer:organization": _of_organization,
    "delete_customer": _customer,
    "get_customer:guest": _guest,
    "change_customer:guest": _guest,
    "delete_customer:guest": _guest,
    "get_customer:claimed": _claimed,
    "change_customer:claimed": _claimed,
    "merge_customer": _two_guests,
    "merge_customer:account": _account_and_guest,
    "give_consent:guest": _guest,
    "get_consent": _consent,
    "get_consent:guest": _consent_of_guest,
    "get_consent:claimed": _consent_of_claimed,
    "withdraw_consent": _consent,
    "withdraw_consent:guest": _consent_of_guest,
    "erase_customer": _guest,
    "delete_organization": _organization,
    "add_member": _newcomer,
    "change_member": _member,
    "remove_member": _member,
    "invite_member": _new_invitation,
    "get_invitation": _invitation,
    "withdraw_invitation": _invitation,
    "accept_invitation": _invitation,
    "decline_invitation": _invitation,
    "delete_holiday": _holiday,
    "replace_tag": _tag,
    "delete_tag": _tag,
    "merge_tag": _merged_tag,
    "register_account": _address,
    "verify_email": _proof,
    "change_me": _oneself,
    "request_erasure": _oneself,
    "cancel_erasure": _oneself,
    "create_user": _address,
    "change_user": _user,
    "delete_user": _user,
    "end_user_sessions": _user,
    "request_user_erasure": _user,
    "cancel_user_erasure": _user,
    "sign_in": _name,
    "refresh_session": _session,
    "sign_out": _oneself,
    "end_session": _session,
    "end_other_sessions": _oneself,
    "request_password_reset": _address,
    "reset_password": _ticket,
    "change_password": _oneself,
    "start_totp": _oneself,
    "confirm_totp": _codes,
    "stop_totp": _codes_in_force,
    "renew_recovery_codes": _codes_in_force,
    "create_api_key": _no_expiry,
    "get_api_key": _api_key,
    "change_api_key": _api_key,
    "delete_api_key": _api_key,
    "create_webhook": _new_webhook,
    "create_webhook:organization": _new_webhook_of_organization,
    "get_webhook": _webhook,
    "get_webhook:organization": _webhook_of_organization,
    "get_webhook:managed": _managed_webhook,
    "change_webhook": _webhook,
    "change_webhook:organization": _webhook_of_organization,
    "delete_webhook": _webhook,
    "delete_webhook:organization": _webhook_of_organization,
    "rotate_webhook_secret": _webhook,
    "rotate_webhook_secret:managed": _managed_webhook,
    "resume_webhook": _webhook,
    "redeliver_webhook": _redelivered,
    "redeliver_webhook:organization": _redelivered_of_organization,
    "list_deliveries": _webhook,
    "list_deliveries:organization": _webhook_of_organization,
    "get_job": _job,
    "retry_job": _job,
    "start_ledger_verification": _no_verification,
    "get_ledger_verification": _verification,
    "resume_projection": _projection,
}
"""By row of the table, or by operation: what makes it for a caller."""
