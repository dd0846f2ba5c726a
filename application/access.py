"""Who may do what: one table, default deny.

A role without an entry is refused; where the scope is OWN, what is not the caller's does not exist for them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

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


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. `id` is the account's id (the token's `sub`); None only for anonymous.

    `session`: the one they are signed in by. `scopes`: what a program's key is for; None means all.
    """

    id: UUID | None
    role: Role
    session: UUID | None = field(default=None, compare=False)
    scopes: frozenset[str] | None = field(default=None, compare=False)

    @property
    def account(self) -> UUID:
        """The account's id; raises Unauthenticated without one."""
        if self.id is None:
            raise Unauthenticated
        return self.id

    @property
    def is_customer(self) -> bool:
        return self.role is Role.CUSTOMER


ANONYMOUS = Caller(None, Role.ANONYMOUS)
SYSTEM = Caller(derived_id("system"), Role.ADMIN)
"""Daybook itself: does what happens because time passes."""
OPERATOR = Caller(derived_id("operator"), Role.ADMIN)
"""Whoever has the server itself: makes the first admin."""

Grants = Mapping[Role, Scope]

_EVERYBODY: Grants = dict.fromkeys(Role, Scope.ANY)
_STAFF: Grants = {Role.PROVIDER: Scope.OWN, Role.ADMIN: Scope.ANY}
_STAFF_AND_AUDITOR: Grants = {**_STAFF, Role.AUDITOR: Scope.ANY}
_BOTH_SIDES: Grants = {Role.CUSTOMER: Scope.OWN, **_STAFF}
_BOTH_SIDES_AND_AUDITOR: Grants = {**_BOTH_SIDES, Role.AUDITOR: Scope.ANY}
_AUDITOR_AND_ADMIN: Grants = {Role.AUDITOR: Scope.ANY, Role.ADMIN: Scope.ANY}
_SIGNED_IN: Grants = {role: Scope.OWN for role in Role if role is not Role.ANONYMOUS}

_SELF: Grants = {**_SIGNED_IN}
_ADMIN: Grants = {Role.ADMIN: Scope.ANY}

ACCESS: Mapping[str, Grants] = {
    "live": _EVERYBODY,
    "ready": _EVERYBODY,
    "problem_type": _EVERYBODY,
    "create_provider": _STAFF,
    "list_providers": _EVERYBODY,
    "get_provider": _EVERYBODY,
    "replace_provider": _STAFF,
    "change_provider": _STAFF,
    "delete_provider": _STAFF,
    "create_service": _STAFF,
    "list_services": _EVERYBODY,
    "get_service": _EVERYBODY,
    "replace_service": _STAFF,
    "change_service": _STAFF,
    "delete_service": _STAFF,
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
    "list_holidays": _EVERYBODY,
    "replace_holiday": _STAFF,
    "delete_holiday": _STAFF,
    "create_tag": _STAFF,
    "list_tags": _EVERYBODY,
    "get_tag": _EVERYBODY,
    "replace_tag": {Role.ADMIN: Scope.ANY},
    "merge_tag": {Role.ADMIN: Scope.ANY},
    "delete_tag": {Role.ADMIN: Scope.ANY},
    "get_schedule": _STAFF_AND_AUDITOR,
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
    "replace_customer": _BOTH_SIDES,
    "change_customer": _BOTH_SIDES,
    "delete_customer": _BOTH_SIDES,
    "find_starts": _EVERYBODY,
    "find_earliest": _EVERYBODY,
    "why_not": _EVERYBODY,
    "place_hold": _BOTH_SIDES,
    "get_hold": _BOTH_SIDES_AND_AUDITOR,
    "extend_hold": _BOTH_SIDES,
    "release_hold": _BOTH_SIDES,
    "book_appointment": _BOTH_SIDES,
    "list_appointments": _BOTH_SIDES_AND_AUDITOR,
    "get_appointment": _BOTH_SIDES_AND_AUDITOR,
    "get_history": _BOTH_SIDES_AND_AUDITOR,
    "join_waitlist": _BOTH_SIDES,
    "list_waitlist": _BOTH_SIDES_AND_AUDITOR,
    "get_waiting": _BOTH_SIDES_AND_AUDITOR,
    "leave_waitlist": _BOTH_SIDES,
    "accept_offer": _BOTH_SIDES,
    "change_appointment": _BOTH_SIDES,
    "delete_appointment": _BOTH_SIDES,
    "confirm_appointment": _STAFF,
    "decline_appointment": _STAFF,
    "reschedule_appointment": _BOTH_SIDES,
    "cancel_appointment": _BOTH_SIDES,
    "check_in_appointment": _STAFF,
    "complete_appointment": _STAFF,
    "miss_appointment": _STAFF,
    "undo_no_show": _STAFF,
    "register": _EVERYBODY,
    "verify_email": _EVERYBODY,
    "get_me": _SELF,
    "change_me": _SIGNED_IN,
    "create_user": _ADMIN,
    "list_users": _ADMIN,
    "get_user": _ADMIN,
    "change_user": _ADMIN,
    "delete_user": _ADMIN,
    "forget_me": _SIGNED_IN,
    "stay": _SIGNED_IN,
    "export_me": _SIGNED_IN,
    "list_mails": _SIGNED_IN,
    "forget_user": {Role.ADMIN: Scope.ANY},
    "keep_user": {Role.ADMIN: Scope.ANY},
    "forget_customer": {Role.ADMIN: Scope.ANY},
    "get_ledger": _AUDITOR_AND_ADMIN,
    "verify_ledger": _AUDITOR_AND_ADMIN,
    "sign_in": _EVERYBODY,
    "refresh_session": _EVERYBODY,
    "sign_out": _SIGNED_IN,
    "list_sessions": _SIGNED_IN,
    "end_session": _SIGNED_IN,
    "end_other_sessions": _SIGNED_IN,
    "forgot_password": _EVERYBODY,
    "reset_password": _EVERYBODY,
    "change_password": _SIGNED_IN,
    "start_totp": _SIGNED_IN,
    "confirm_totp": _SIGNED_IN,
    "stop_totp": _SIGNED_IN,
    "create_api_key": _SIGNED_IN,
    "list_api_keys": _SIGNED_IN,
    "get_api_key": _SIGNED_IN,
    "change_api_key": _SIGNED_IN,
    "delete_api_key": _SIGNED_IN,
    "list_security_events": _AUDITOR_AND_ADMIN,
    "create_webhook": _STAFF,
    "list_webhooks": _STAFF,
    "get_webhook": _STAFF,
    "change_webhook": _STAFF,
    "delete_webhook": _STAFF,
    "rotate_webhook": _STAFF,
    "resume_webhook": _STAFF,
    "redeliver_webhook": _STAFF,
    "list_deliveries": _STAFF,
    "list_jobs": _AUDITOR_AND_ADMIN,
    "get_job": _AUDITOR_AND_ADMIN,
    "retry_job": _ADMIN,
}
"""Operation (the OpenAPI operationId) -> role -> scope. A route without an entry is a failing test."""


BY_PEOPLE = frozenset(operation for operation, grants in ACCESS.items() if grants is _SIGNED_IN)
"""Operations about signing in itself, by which address too, and about staying: no program's key is enough."""

_READING = ("get_", "list_", "find_", "export_")
_READING_TOO = frozenset({"live", "ready", "problem_type", "why_not", "verify_ledger"})


def reads(operation: str) -> bool:
    """Whether it changes nothing."""
    return operation.startswith(_READING) or operation in _READING_TOO


def covers(scopes: frozenset[str], operation: str) -> bool:
    """Whether a key of these scopes is for the operation: "read", "write", or its name."""
    if operation in BY_PEOPLE:
        return False
    return operation in scopes or ("read" if reads(operation) else "write") in scopes


def permit(caller: Caller, operation: str) -> Scope:
    """The caller's scope for the operation; raises Unauthenticated or Forbidden without one."""
    if caller.scopes is not None and not covers(caller.scopes, operation):
        raise Forbidden("This key is not for that.")
    scope = ACCESS[operation].get(caller.role)
    if scope is not None:
        return scope
    if caller.role is Role.ANONYMOUS:
        raise Unauthenticated
    raise Forbidden


def demand_system(caller: Caller) -> None:
    """Raise Forbidden unless it is time itself that asks: no route leads here."""
    if caller != SYSTEM:
        raise Forbidden


def demand(caller: Caller, operation: str, what: str, id: UUID, *owners: UUID) -> None:
    """Raise NotFound unless the operation is granted on a thing of these owners."""
    if permit(caller, operation) is Scope.OWN and caller.account not in owners:
        raise NotFound(what, id)
