"""Permissions: one table from operations to roles, default deny.

A role without an entry is refused. Where the scope is OWN, things of others do not exist for the caller.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from application.seen import SEEN
from domain.errors import Forbidden, NotFound, Unauthenticated
from domain.kernel import derived_id


class Role(StrEnum):
    """Platform roles. ANONYMOUS is a request without a token."""

    ANONYMOUS = "anonymous"
    CUSTOMER = "customer"
    PROVIDER = "provider"
    ADMIN = "admin"
    AUDITOR = "auditor"
    ANALYST = "analyst"


class Scope(StrEnum):
    ANY = "any"
    OWN = "own"


class LinkPurpose(StrEnum):
    """What a link in a mail is for. APPOINTMENT is the customer's link, STAFF that of the provider's owner.

    A new purpose goes to the end: links name a purpose by its place.
    """

    APPOINTMENT = "appointment"
    STAFF = "staff"
    OFFER = "offer"
    WEBHOOK = "webhook"
    MAILS = "mails"
    INVITATION = "invitation"
    NOTIFICATIONS = "notifications"


@dataclass(frozen=True, slots=True)
class Caller:
    """The account that makes a request. `id`: the token's `sub`; None only for anonymous.

    `session`: the session of the token. `key`: the API key; `link`: the purpose of the link from a mail that the person
    opened. `scopes`: those of the key or the link; None: all operations. `means`: how the caller was identified, where
    it was neither of these. `seen_by`: the admin who looks at what this customer sees, and can do nothing.
    """

    id: UUID | None
    role: Role
    session: UUID | None = field(default=None, compare=False)
    scopes: frozenset[str] | None = field(default=None, compare=False)
    key: UUID | None = field(default=None, compare=False)
    link: LinkPurpose | None = field(default=None, compare=False)
    means: str = field(default="token", compare=False)
    seen_by: UUID | None = None

    @property
    def account(self) -> UUID:
        """The account's id; raises Unauthenticated without one."""
        if self.id is None:
            raise Unauthenticated
        return self.id

    @property
    def is_customer(self) -> bool:
        return self.role is Role.CUSTOMER

    @property
    def via(self) -> str:
        """The means by which the caller was identified, as recorded with each event.

        A token that names no session is one of release 0.1.0.
        """
        if self.key is not None:
            return f"key:{self.key}"
        if self.link is not None:
            return f"link:{self.link}"
        return self.means if self.session is None else f"session:{self.session}"


ANONYMOUS = Caller(None, Role.ANONYMOUS)
SYSTEM = Caller(derived_id("system"), Role.ADMIN, means="worker")
"""Daybook itself: runs jobs."""
OPERATOR = Caller(derived_id("operator"), Role.ADMIN, means="cli")
"""The operator of the server: creates the first admin on the command line."""

PANEL_ROLES = frozenset({Role.PROVIDER, Role.ADMIN, Role.AUDITOR})
"""The roles that may use the admin panel; what each sees and does there, ACCESS says."""

Grants = Mapping[Role, Scope]

_EVERYBODY: Grants = dict.fromkeys(Role, Scope.ANY)
_STAFF: Grants = {Role.PROVIDER: Scope.OWN, Role.ADMIN: Scope.ANY}
_STAFF_AND_AUDITOR: Grants = {**_STAFF, Role.AUDITOR: Scope.ANY}
_BOTH_SIDES: Grants = {Role.CUSTOMER: Scope.OWN, **_STAFF}
_BOTH_SIDES_AND_AUDITOR: Grants = {**_BOTH_SIDES, Role.AUDITOR: Scope.ANY}
_AUDITOR_AND_ADMIN: Grants = {Role.AUDITOR: Scope.ANY, Role.ADMIN: Scope.ANY}
_OWNER_OF_THEN: Grants = {**_AUDITOR_AND_ADMIN, Role.PROVIDER: Scope.OWN}
"""Providers: what belonged, at the time, to an organization that they own now."""
_FIGURES: Grants = {Role.ANALYST: Scope.ANY, Role.ADMIN: Scope.ANY, Role.PROVIDER: Scope.OWN}
"""Providers: of the organizations that they own or manage."""
_SIGNED_IN: Grants = {role: Scope.OWN for role in Role if role is not Role.ANONYMOUS}

_IN_PERSON: Grants = {**_SIGNED_IN}
"""Signing in itself, its address, and erasure: the scopes of an API key are never enough."""
_ADMIN: Grants = {Role.ADMIN: Scope.ANY}
_ADMIN_IN_PERSON: Grants = {Role.ADMIN: Scope.ANY}
"""People are made, promoted and erased by people: the scopes of an admin's API key are never enough."""

ACCESS: Mapping[str, Grants] = {
    "get_liveness": _EVERYBODY,
    "get_readiness": _EVERYBODY,
    "list_problem_types": _EVERYBODY,
    "get_problem_type": _EVERYBODY,
    "create_provider": _STAFF,
    "list_providers": _EVERYBODY,
    "get_provider": _EVERYBODY,
    "replace_provider": _STAFF,
    "change_provider": _STAFF,
    "delete_provider": _STAFF,
    "pause_provider": _STAFF,
    "resume_provider": _STAFF,
    "create_service": _STAFF,
    "list_services": _EVERYBODY,
    "get_service": _EVERYBODY,
    "replace_service": _STAFF,
    "change_service": _STAFF,
    "delete_service": _STAFF,
    "pause_service": _STAFF,
    "resume_service": _STAFF,
    "create_organization": _STAFF,
    "list_organizations": _EVERYBODY,
    "get_organization": _EVERYBODY,
    "replace_organization": _STAFF,
    "change_organization": _STAFF,
    "delete_organization": _STAFF,
    "list_members": _BOTH_SIDES_AND_AUDITOR,
    "add_member": _STAFF,
    "get_member": _BOTH_SIDES_AND_AUDITOR,
    "change_member": _STAFF,
    "remove_member": _BOTH_SIDES,
    "invite_member": _STAFF,
    "list_invitations": _STAFF_AND_AUDITOR,
    "get_invitation": _STAFF_AND_AUDITOR,
    "withdraw_invitation": _STAFF,
    "accept_invitation": _IN_PERSON,
    "decline_invitation": _IN_PERSON,
    "list_holidays": _EVERYBODY,
    "replace_holiday": _STAFF,
    "delete_holiday": _STAFF,
    "create_tag": _STAFF,
    "list_tags": _EVERYBODY,
    "get_tag": _EVERYBODY,
    "replace_tag": _ADMIN,
    "merge_tag": _ADMIN,
    "delete_tag": _ADMIN,
    "get_opening_hours": _EVERYBODY,
    "get_schedule": _STAFF_AND_AUDITOR,
    "preview_schedule": _STAFF,
    "replace_schedule": _STAFF,
    "replace_override": _STAFF,
    "delete_override": _STAFF,
    "create_time_off": _STAFF,
    "list_time_off": _STAFF_AND_AUDITOR,
    "get_time_off": _STAFF_AND_AUDITOR,
    "replace_time_off": _STAFF,
    "delete_time_off": _STAFF,
    "create_customer": _BOTH_SIDES,
    "list_customers": _BOTH_SIDES_AND_AUDITOR,
    "get_customer": _BOTH_SIDES_AND_AUDITOR,
    "list_customer_duplicates": _BOTH_SIDES_AND_AUDITOR,
    "replace_customer": _BOTH_SIDES,
    "change_customer": _BOTH_SIDES,
    "delete_customer": _BOTH_SIDES,
    "merge_customer": _STAFF,
    "give_consent": _BOTH_SIDES,
    "list_consents": _BOTH_SIDES_AND_AUDITOR,
    "get_consent": _BOTH_SIDES_AND_AUDITOR,
    "withdraw_consent": _BOTH_SIDES,
    "find_starts": _EVERYBODY,
    "find_earliest_starts": _EVERYBODY,
    "explain_availability": _EVERYBODY,
    "place_hold": _BOTH_SIDES,
    "list_holds": _BOTH_SIDES_AND_AUDITOR,
    "get_hold": _BOTH_SIDES_AND_AUDITOR,
    "extend_hold": _BOTH_SIDES,
    "release_hold": _BOTH_SIDES,
    "book_appointment": _BOTH_SIDES,
    "list_appointments": _BOTH_SIDES_AND_AUDITOR,
    "get_appointment": _BOTH_SIDES_AND_AUDITOR,
    "get_appointment_history": _BOTH_SIDES_AND_AUDITOR,
    "list_notices": _STAFF_AND_AUDITOR,
    "join_waitlist": _BOTH_SIDES,
    "list_waitlist": _BOTH_SIDES_AND_AUDITOR,
    "get_waitlist_entry": _BOTH_SIDES_AND_AUDITOR,
    "leave_waitlist": _BOTH_SIDES,
    "make_offer": _STAFF,
    "accept_offer": _BOTH_SIDES,
    "change_appointment": _BOTH_SIDES,
    "delete_appointment": _BOTH_SIDES,
    "confirm_appointment": _STAFF,
    "decline_appointment": _STAFF,
    "reschedule_appointment": _BOTH_SIDES,
    "cancel_appointment": _BOTH_SIDES,
    "keep_appointment": _STAFF,
    "ask_to_rebook": _STAFF,
    "check_in_appointment": _STAFF,
    "complete_appointment": _STAFF,
    "mark_no_show": _STAFF,
    "undo_no_show": _STAFF,
    "register_account": _EVERYBODY,
    "verify_email": _EVERYBODY,
    "get_me": _SIGNED_IN,
    "change_me": _IN_PERSON,
    "create_user": _ADMIN_IN_PERSON,
    "list_users": _ADMIN,
    "get_user": _ADMIN,
    "change_user": _ADMIN_IN_PERSON,
    "delete_user": _ADMIN_IN_PERSON,
    "end_user_sessions": _ADMIN_IN_PERSON,
    "request_erasure": _IN_PERSON,
    "cancel_erasure": _IN_PERSON,
    "export_account": _IN_PERSON,
    "list_sent_mails": _IN_PERSON,
    "request_user_erasure": _ADMIN_IN_PERSON,
    "cancel_user_erasure": _ADMIN_IN_PERSON,
    "erase_customer": _ADMIN,
    "get_ledger": _AUDITOR_AND_ADMIN,
    "verify_ledger": _AUDITOR_AND_ADMIN,
    "start_ledger_verification": _ADMIN,
    "get_ledger_verification": _AUDITOR_AND_ADMIN,
    "get_inclusion_proof": _AUDITOR_AND_ADMIN,
    "get_consistency_proof": _AUDITOR_AND_ADMIN,
    "get_position": _AUDITOR_AND_ADMIN,
    "get_past_state": _OWNER_OF_THEN,
    "get_state_difference": _OWNER_OF_THEN,
    "get_stream_history": _OWNER_OF_THEN,
    "list_views": _AUDITOR_AND_ADMIN,
    "search_events": _OWNER_OF_THEN,
    "get_request_chain": _OWNER_OF_THEN,
    "sign_in": _EVERYBODY,
    "refresh_session": _EVERYBODY,
    "sign_out": _IN_PERSON,
    "list_sessions": _IN_PERSON,
    "end_session": _IN_PERSON,
    "end_other_sessions": _IN_PERSON,
    "request_password_reset": _EVERYBODY,
    "reset_password": _EVERYBODY,
    "change_password": _IN_PERSON,
    "start_totp": _IN_PERSON,
    "confirm_totp": _IN_PERSON,
    "renew_recovery_codes": _IN_PERSON,
    "stop_totp": _IN_PERSON,
    "create_api_key": _IN_PERSON,
    "list_api_keys": _IN_PERSON,
    "get_api_key": _IN_PERSON,
    "change_api_key": _IN_PERSON,
    "delete_api_key": _IN_PERSON,
    "list_security_events": _AUDITOR_AND_ADMIN,
    "create_webhook": _STAFF,
    "list_webhooks": _STAFF,
    "get_webhook": _STAFF,
    "change_webhook": _STAFF,
    "delete_webhook": _STAFF,
    "rotate_webhook_secret": _STAFF,
    "resume_webhook": _STAFF,
    "redeliver_webhook": _STAFF,
    "list_deliveries": _STAFF,
    "list_events": _BOTH_SIDES_AND_AUDITOR,
    "stream_events": _BOTH_SIDES_AND_AUDITOR,
    "list_metrics": _FIGURES,
    "get_metric": _FIGURES,
    "list_jobs": _AUDITOR_AND_ADMIN,
    "get_job": _AUDITOR_AND_ADMIN,
    "retry_job": _ADMIN,
    "list_projections": _AUDITOR_AND_ADMIN,
    "resume_projection": _ADMIN,
}
"""Operation (the OpenAPI operationId) -> role -> scope. The app refuses to start with a route without an entry."""

BY_PEOPLE = frozenset(
    operation for operation, grants in ACCESS.items() if grants is _IN_PERSON or grants is _ADMIN_IN_PERSON
)
"""Operations that no API key may do."""

LINK_SCOPES: Mapping[LinkPurpose, frozenset[str]] = {
    LinkPurpose.APPOINTMENT: frozenset({"get_appointment", "reschedule_appointment", "cancel_appointment"}),
    LinkPurpose.STAFF: frozenset({"get_appointment", "confirm_appointment", "decline_appointment"}),
    LinkPurpose.OFFER: frozenset({"get_waitlist_entry", "accept_offer", "leave_waitlist"}),
    LinkPurpose.WEBHOOK: frozenset({"get_webhook", "resume_webhook"}),
    LinkPurpose.MAILS: frozenset({"change_me"}),
    LinkPurpose.INVITATION: frozenset({"accept_invitation", "decline_invitation"}),
    LinkPurpose.NOTIFICATIONS: frozenset({"change_me"}),
}
"""The operations that a link permits on its subject, to a person whose role permits them too."""

FORMER_NAMES: Mapping[str, str] = {
    "get_liveness": "live",
    "get_readiness": "ready",
    "get_problem_type": "problem_type",
    "find_earliest_starts": "find_earliest",
    "explain_availability": "why_not",
    "get_appointment_history": "get_history",
    "get_waitlist_entry": "get_waiting",
    "mark_no_show": "miss_appointment",
    "register_account": "register",
    "request_password_reset": "forgot_password",
    "erase_customer": "forget_customer",
    "rotate_webhook_secret": "rotate_webhook",
}
"""Operation -> its name before 0.2, which the scopes of older API keys have."""

_READING = ("get_", "list_", "find_", "explain_", "export_", "search_", "stream_", "verify_ledger")


def reads(operation: str) -> bool:
    """Whether the operation changes nothing."""
    return operation.startswith(_READING)


def covers(scopes: frozenset[str], operation: str) -> bool:
    """Whether an API key of these scopes may do the operation: by "read", "write", or its name."""
    if operation in BY_PEOPLE:
        return False
    names = {operation, FORMER_NAMES.get(operation, operation), "read" if reads(operation) else "write"}
    return not names.isdisjoint(scopes)


def permit(caller: Caller, operation: str) -> Scope:
    """The caller's scope for the operation; raises Unauthenticated or Forbidden."""
    if caller.seen_by is not None and operation not in SEEN:
        raise Forbidden(f"Who looks as a customer may not use `{operation}`.")
    if caller.scopes is not None:
        _check_scopes(caller, caller.scopes, operation)
    scope = ACCESS[operation].get(caller.role)
    if scope is not None:
        return scope
    if caller.role is Role.ANONYMOUS:
        raise Unauthenticated("Send an access token or an API key: `Authorization: Bearer <token>`.")
    raise Forbidden(
        f"The role `{caller.role}` may not use `{operation}`.",
        required_roles=sorted(role for role in ACCESS[operation]),
    )


def _check_scopes(caller: Caller, scopes: frozenset[str], operation: str) -> None:
    """Raise Forbidden unless the scopes cover the operation. A link names each of its operations."""
    if caller.link is not None:
        if operation not in scopes:
            raise Forbidden(f"This link does not permit `{operation}`.")
    elif not covers(scopes, operation):
        raise Forbidden(f"The scopes of this API key do not include `{operation}`.")


def demand_system(caller: Caller) -> None:
    """Raise Forbidden unless a job asks: no route leads here."""
    if caller != SYSTEM:
        raise Forbidden


def demand(caller: Caller, operation: str, what: str, id: UUID, *owners: UUID) -> None:
    """Raise NotFound unless the operation is granted on a thing of these owners."""
    if permit(caller, operation) is Scope.OWN and caller.account not in owners:
        raise NotFound(what, id)
