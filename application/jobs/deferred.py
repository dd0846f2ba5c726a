"""What is done after the answer: letters, and what they need. Each may be done twice."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from application.access import OPERATOR
from application.event_log import EventStore
from application.identity.one_time_tokens import OneTimeTokens, Verification, Verifications
from application.notifications.mail import Mailer, MailMessage
from application.people import erasure as forgetting
from application.people.account import FindAccount, find_account
from application.people.erasure import ErasureServices
from domain.errors import NotFound
from domain.kernel import new_id
from domain.people.account import Account

RESET = timedelta(hours=1)
INVITATION = timedelta(days=7)

Said = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Means:
    """With what errands are done."""

    store: EventStore
    mail: Mailer
    verifications: Verifications
    tickets: OneTimeTokens
    oblivion: ErasureServices


async def register(id: UUID, said: Said, means: Means) -> None:
    """Send the address what proves it; or, if it has an account, the word that it has.

    `said`: email, password (hashed), name, role, timezone, language.
    """
    if await _tell_holder(id, said["email"], means):
        return
    secret = await means.verifications.issue(Verification(new_id(), said))
    # Nothing in it that a stranger chose: else they could send their words to anybody through us.
    await means.mail.send(MailMessage(id, "verify", said["email"], said["language"] or "", {"token": secret}))


async def change_address(id: UUID, said: Said, means: Means) -> None:
    """The same for the new address of an account. `said`: account_id, email."""
    account = await _account(means, FindAccount(by=OPERATOR, account_id=UUID(said["account_id"])))
    if account is None or not account.active or await _tell_holder(id, said["email"], means):
        return
    secret = await means.verifications.issue(Verification(account.account_id, {"email": said["email"]}))
    await _write(id, "new-address", account, means, to=said["email"], token=secret)


async def reset(id: UUID, said: Said, means: Means) -> None:
    """Send whoever has the address what sets a new password. `said`: email."""
    address = await means.store.address_id(said["email"])
    account = await _account(means, FindAccount(by=OPERATOR, address=address))
    if account is not None and account.active:
        ticket = await means.tickets.issue(account.account_id, "reset", RESET)
        await _write(id, "reset", account, means, token=ticket)


async def invite(id: UUID, said: Said, means: Means) -> None:
    """Send somebody whose account an admin made what sets its password. `said`: account_id."""
    account = await _account(means, FindAccount(by=OPERATOR, account_id=UUID(said["account_id"])))
    if account is not None and account.active:
        ticket = await means.tickets.issue(account.account_id, "reset", INVITATION)
        await _write(id, "invited", account, means, token=ticket)


async def notice(id: UUID, said: Said, means: Means) -> None:
    """Tell somebody what has happened to their account.

    `said`: account_id; letter, such as "password-changed"; what that says; `to`, if not the present address.
    """
    account = await _account(means, FindAccount(by=OPERATOR, account_id=UUID(said["account_id"])))
    if account is not None:
        more = {name: str(value) for name, value in said.items() if name not in {"account_id", "letter"}}
        await _write(id, said["letter"], account, means, **more)


async def forget(id: UUID, said: Said, means: Means) -> None:
    """Forget somebody whose time has come, and send them the last mail. `said`: account_id."""
    account_id = UUID(said["account_id"])
    account = await _account(means, FindAccount(by=OPERATOR, account_id=account_id))
    contact = account.contact.value if account else None
    if await forgetting.carry_out_erasure(account_id, means.oblivion) and contact is not None:
        language, told = contact.get("language") or "", {"name": contact["name"]}
        await means.mail.send(MailMessage(id, "forgotten", contact["email"], language, told))


ERRANDS: Mapping[str, Callable[[UUID, Said, Means], Awaitable[None]]] = {
    "register": register,
    "change_address": change_address,
    "reset": reset,
    "invite": invite,
    "notice": notice,
    "forget": forget,
}
"""By the kind under which they are asked."""


async def carry_out(means: Means, id: UUID, kind: str, said: Said) -> None:
    """Do one. Raises KeyError for a kind that this version of the program does not know."""
    await ERRANDS[kind](id, said, means)


def date_of(moment: datetime) -> str:
    """As letters say it."""
    return moment.strftime("%Y-%m-%d %H:%M UTC")


async def _tell_holder(id: UUID, email: str, means: Means) -> bool:
    """Whether the address has an account, whose holder is told that somebody else wanted it."""
    address = await means.store.address_id(email)
    account = await _account(means, FindAccount(by=OPERATOR, address=address))
    if account is None:
        return False
    await _write(id, "already-registered", account, means)
    return True


async def _account(means: Means, asked: FindAccount) -> Account | None:
    """As it is now; None if there is none."""
    try:
        return (await find_account(asked, means.store)).aggregate
    except NotFound:
        return None


async def _write(id: UUID, kind: str, account: Account, means: Means, *, to: str | None = None, **said: str) -> None:
    """Nothing is sent to whom nobody can reach any more."""
    contact = account.contact.value
    if contact is None:
        return
    told = {"name": contact["name"], **said}
    await means.mail.send(
        MailMessage(id, kind, to or contact["email"], contact.get("language") or "", told, account.account_id)
    )
