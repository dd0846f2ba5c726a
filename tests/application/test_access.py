"""Who may do what: default deny."""

import pytest

from application.access import ACCESS, ANONYMOUS, BY_PEOPLE, FORMER_NAMES, Caller, Role, Scope, covers, demand, permit
from domain.errors import Forbidden, NotFound, Unauthenticated
from domain.kernel import new_id
from tests.support.builders import somebody

# Everybody may try to sign in, and everybody who has may look after how they do.
SIGNING_IN = {
    "sign_in",
    "refresh_session",
    "verify_email",
    "request_password_reset",
    "reset_password",
    *BY_PEOPLE,
}
READING = (
    "get_liveness",
    "get_readiness",
    "get_problem_type",
    "list_",
    "get_",
    "find_",
    "search_",
    "stream_",
    "verify_ledger",
    "explain_",
)
OF_ONESELF = {"register_account", "change_me", "request_erasure", "cancel_erasure", "export_account"}
CHANGING = [name for name in ACCESS if not name.startswith(READING) and name not in SIGNING_IN | OF_ONESELF]


@pytest.mark.parametrize("operation", sorted(ACCESS))
@pytest.mark.parametrize("role", list(Role))
def test_a_role_without_an_entry_is_refused(operation: str, role: Role) -> None:
    caller = ANONYMOUS if role is Role.ANONYMOUS else somebody(role)
    if role in ACCESS[operation]:
        assert permit(caller, operation) is ACCESS[operation][role]
    else:
        with pytest.raises(Unauthenticated if role is Role.ANONYMOUS else Forbidden):
            permit(caller, operation)


def test_an_unknown_operation_is_granted_to_nobody() -> None:
    with pytest.raises(KeyError):
        permit(somebody(Role.ADMIN), "no_such_operation")


@pytest.mark.parametrize("operation", CHANGING)
def test_nobody_changes_anything_without_an_account_or_as_auditor_or_analyst(operation: str) -> None:
    assert not {Role.ANONYMOUS, Role.AUDITOR, Role.ANALYST} & ACCESS[operation].keys()


@pytest.mark.parametrize("operation", CHANGING)
def test_only_admins_change_what_is_not_their_own(operation: str) -> None:
    anybodys = {role for role, scope in ACCESS[operation].items() if scope is Scope.ANY}
    assert anybodys <= {Role.ADMIN}


def test_what_is_not_the_caller_s_does_not_exist_for_them() -> None:
    caller, thing = somebody(Role.CUSTOMER), new_id()
    demand(caller, "cancel_appointment", "appointment", thing, new_id(), caller.account)
    with pytest.raises(NotFound):
        demand(caller, "cancel_appointment", "appointment", thing, new_id())
    with pytest.raises(NotFound):
        demand(caller, "cancel_appointment", "appointment", thing)
    demand(somebody(Role.ADMIN), "cancel_appointment", "appointment", thing)


def test_a_caller_without_an_account_has_no_things() -> None:
    with pytest.raises(Unauthenticated):
        demand(Caller(None, Role.CUSTOMER), "cancel_appointment", "appointment", new_id(), new_id())


@pytest.mark.parametrize("operation", sorted(BY_PEOPLE))
def test_no_program_looks_after_how_people_sign_in(operation: str) -> None:
    assert not covers(frozenset({"read", "write", operation}), operation)
    with pytest.raises(Forbidden):
        permit(Caller(new_id(), Role.ADMIN, scopes=frozenset({"read", "write", operation})), operation)


@pytest.mark.parametrize(
    ("scope", "may", "may_not"),
    [
        ("read", "list_customers", "create_customer"),
        ("write", "create_customer", "list_customers"),
        ("create_tag", "create_tag", "create_provider"),
    ],
)
def test_a_key_does_what_its_scopes_say(scope: str, may: str, may_not: str) -> None:
    caller = Caller(new_id(), Role.ADMIN, scopes=frozenset({scope}))
    assert permit(caller, may) is Scope.ANY
    with pytest.raises(Forbidden):
        permit(caller, may_not)


def test_a_key_does_nothing_that_its_account_may_not() -> None:
    caller = Caller(new_id(), Role.CUSTOMER, scopes=frozenset({"read", "write", "delete_tag"}))
    with pytest.raises(Forbidden):
        permit(caller, "delete_tag")
    assert permit(caller, "list_customers") is Scope.OWN


@pytest.mark.parametrize(("operation", "former"), FORMER_NAMES.items())
def test_a_key_made_before_an_operation_was_renamed_still_does_it(operation: str, former: str) -> None:
    assert former not in ACCESS
    assert permit(Caller(new_id(), Role.ADMIN, scopes=frozenset({former})), operation) is Scope.ANY
