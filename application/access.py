"""Who may do what: one table, default deny.

A role without an entry is refused; where the scope is OWN, what is not the caller's does not exist for them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from domain.errors import Forbidden, NotFound, Unauthenticated


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
    """Who asks. `id` is the account's id (the token's `sub`); None only for anonymous."""

    id: UUID | None
    role: Role

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

Grants = Mapping[Role, Scope]

_EVERYBODY: Grants = dict.fromkeys(Role, Scope.ANY)
_STAFF: Grants = {Role.PROVIDER: Scope.OWN, Role.ADMIN: Scope.ANY}
_STAFF_AND_AUDITOR: Grants = {**_STAFF, Role.AUDITOR: Scope.ANY}
_BOTH_SIDES: Grants = {Role.CUSTOMER: Scope.OWN, **_STAFF}
_BOTH_SIDES_AND_AUDITOR: Grants = {**_BOTH_SIDES, Role.AUDITOR: Scope.ANY}
_AUDITOR_AND_ADMIN: Grants = {Role.AUDITOR: Scope.ANY, Role.ADMIN: Scope.ANY}

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
    "book_appointment": _BOTH_SIDES,
    "list_appointments": _BOTH_SIDES_AND_AUDITOR,
    "get_appointment": _BOTH_SIDES_AND_AUDITOR,
    "get_history": _BOTH_SIDES_AND_AUDITOR,
    "change_appointment": _BOTH_SIDES,
    "delete_appointment": _BOTH_SIDES,
    "reschedule_appointment": _BOTH_SIDES,
    "cancel_appointment": _BOTH_SIDES,
    "check_in_appointment": _STAFF,
    "complete_appointment": _STAFF,
    "miss_appointment": _STAFF,
    "undo_no_show": _STAFF,
    "get_ledger": _AUDITOR_AND_ADMIN,
    "verify_ledger": _AUDITOR_AND_ADMIN,
}
"""Operation (the OpenAPI operationId) -> role -> scope. A route without an entry is a failing test."""


def permit(caller: Caller, operation: str) -> Scope:
    """The caller's scope for the operation; raises Unauthenticated or Forbidden without one."""
    scope = ACCESS[operation].get(caller.role)
    if scope is not None:
        return scope
    if caller.role is Role.ANONYMOUS:
        raise Unauthenticated
    raise Forbidden


def demand(caller: Caller, operation: str, what: str, id: UUID, *owners: UUID) -> None:
    """Raise NotFound unless the operation is granted on a thing of these owners."""
    if permit(caller, operation) is Scope.OWN and caller.account not in owners:
        raise NotFound(what, id)
