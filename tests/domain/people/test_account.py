"""An account: role, standing, and leaving."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain.kernel import new_id
from domain.people.account import Account
from domain.people.account_status import AccountDisabled, AccountForgotten, AccountStatus, OwnRole
from domain.personal_data import PersonalData

NOW = datetime(2030, 1, 7, 9, tzinfo=UTC)
ADMIN = new_id()


def contact(of: UUID, **changes: str) -> PersonalData:
    return PersonalData(of, {"email": "ada@example.org", "name": "Ada", "timezone": None, "language": None} | changes)


def an_account(role: str = "customer") -> Account:
    id = new_id()
    account = Account(
        id=Account.id_of(id),
        by=id,
        account_id=id,
        role=role,
        address=new_id(),
        contact=contact(id),
        timestamp=NOW,
    )
    account.collect_events()
    return account


def recorded(account: Account) -> list[str]:
    return [type(event).__name__ for event in account.collect_events()]


def test_nobody_changes_their_own_role_or_standing() -> None:
    account = an_account()
    with pytest.raises(OwnRole):
        account.change_role(account.account_id, "admin", NOW)
    with pytest.raises(OwnRole):
        account.disable(account.account_id, NOW)
    assert recorded(account) == []


def test_already_so_is_no_error_and_no_event() -> None:
    account = an_account()
    account.change_role(ADMIN, "customer", NOW)
    account.enable(ADMIN, NOW)
    account.change_contact(account.account_id, contact(account.account_id), NOW)
    account.change_address(account.account_id, account.address, contact(account.account_id), NOW)
    account.cancel_forgetting(account.account_id, NOW)
    assert recorded(account) == []


def test_who_is_disabled_may_do_nothing_until_enabled() -> None:
    account = an_account()
    account.disable(ADMIN, NOW)
    assert account.status is AccountStatus.DISABLED
    with pytest.raises(AccountDisabled):
        account.check_active()
    with pytest.raises(AccountDisabled):
        account.change_address(account.account_id, new_id(), contact(account.account_id), NOW)
    account.enable(ADMIN, NOW)
    account.check_active()


def test_the_earlier_word_stands_when_forgetting_is_asked_again() -> None:
    account = an_account()
    due = NOW + timedelta(days=7)
    account.ask_forgetting(account.account_id, due, cancel_appointments=True, now=NOW)
    account.ask_forgetting(ADMIN, due + timedelta(days=9), cancel_appointments=False, now=NOW)
    assert (account.forgetting_due, account.cancels_appointments) == (due, True)
    account.cancel_forgetting(account.account_id, NOW)
    assert account.forgetting_due is None


def test_who_is_forgotten_stays_so() -> None:
    account = an_account()
    account.forget(ADMIN, NOW)
    account.forget(ADMIN, NOW)
    assert recorded(account) == ["Forgotten"]
    for act in (
        account.check_active,
        lambda: account.enable(ADMIN, NOW),
        lambda: account.change_role(ADMIN, "admin", NOW),
        lambda: account.change_contact(ADMIN, contact(account.account_id, name="Bea"), NOW),
    ):
        with pytest.raises(AccountForgotten):
            act()


def test_its_stream_is_another_than_the_customers() -> None:
    account = an_account()
    assert account.id == Account.id_of(account.account_id) != account.account_id
