"""The jobs that mail people about their account: codes, links and notices.

The id of a mail is the key of its job, so that receivers recognise a second copy.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from application.access import OPERATOR
from application.current_state import current_state
from application.event_log import EventStore
from application.identity.one_time_tokens import OneTimeTokens, Verification, Verifications
from application.jobs.job import Job, JobHandlers, JobLease
from application.notifications.mail import Mailer, MailMessage
from application.people.account import FindAccount, find_account
from domain.errors import NotFound
from domain.kernel import new_id
from domain.people.account import Account
from domain.people.email_address import Address

RESET = timedelta(hours=1)
INVITATION = timedelta(days=7)
_MOMENTS = ("due_at", "expires_at")
_NOT_IN_THE_MAIL = frozenset({"account_id", "letter", "to", *_MOMENTS})
_LATER_FACTS: Mapping[str, Sequence[str]] = {"address-changed": ["masked"], "api-key-made": ["expires"]}
"""What a mail can do without."""


@dataclass(frozen=True, slots=True)
class AccountMailServices:
    """The services that account mails use: codes, links and the mailer."""

    store: EventStore
    mail: Mailer
    verifications: Verifications
    tickets: OneTimeTokens


def account_handlers(services: AccountMailServices) -> JobHandlers:
    """Handlers of the jobs that send account mails."""
    handlers = {
        "register": send_registration_code,
        "change_address": send_address_code,
        "reset_password": send_reset_link,
        "invite": send_invitation,
        "account_notice": send_account_notice,
        "farewell": send_farewell,
    }
    return {kind: partial(handler, services=services) for kind, handler in handlers.items()}


async def send_registration_code(job: Job, lease: JobLease, services: AccountMailServices) -> str:
    """Send a code to the address; if it has an account, notify the holder instead.

    Payload: email, password (hashed), name, role, timezone, language; account_id, asked_at and network of the request.
    """
    said = job.said
    if await _tell_holder(job, lease, said["email"], services):
        return "known"
    address = await services.store.address_id(said["email"])
    account_id = UUID(said["account_id"]) if "account_id" in said else new_id()
    secret = await services.verifications.issue(
        Verification(account_id=account_id, said=said, about=address, asked_at=_asked_at(job), streams=[address])
    )
    if secret is None:
        return "replaced"
    # The mail holds no text of the sender: otherwise strangers could mail their own words to any address.
    facts = {"token": secret, "network": said.get("network", "")}
    message = MailMessage(
        id=job.key,
        kind="verify",
        to=said["email"],
        language=said["language"] or "",
        said=facts,
        at=job.due_at,
        moments={"asked": _asked_at(job)},
        timezone=said.get("timezone") or "",
    )
    return await _send(message, lease, services)


async def send_address_code(job: Job, lease: JobLease, services: AccountMailServices) -> str:
    """As for a registration, to the new address of an account.

    Payload: email; asked_at and network of the request; version and credential: of the account and its credentials.
    """
    account, email = await _account(job, services), job.said["email"]
    if account is None or not account.active:
        return "gone"
    if await _tell_holder(job, lease, email, services):
        return "known"
    secret = await services.verifications.issue(await _move(job, account, services))
    if secret is None:
        return "replaced"
    return await _send(_mail("new-address", account, job, {"token": secret}, to=email, asked=True), lease, services)


async def _move(job: Job, account: Account, services: AccountMailServices) -> Verification:
    """The change of address, bound to the account as it was when the change was requested."""
    email = job.said["email"]
    address = await services.store.address_id(email)
    known = await current_state(Address, address, services.store)
    return Verification(
        account_id=account.account_id,
        said={"email": email},
        about=account.id,
        asked_at=_asked_at(job),
        streams=[account.id, address],
        versions=[job.said.get("version", account.version), known.version if known else 0],
        credential=job.said.get("credential"),
    )


async def send_reset_link(job: Job, lease: JobLease, services: AccountMailServices) -> str:
    """Send a link that sets a new password, if the address has an account.

    Payload: email; asked_at and network of the request.
    """
    account = await _holder(job.said["email"], services)
    if account is None or not account.active:
        return "unknown"
    ticket = await services.tickets.issue(account.account_id, "reset", RESET)
    return await _send(_mail("reset", account, job, {"token": ticket}, asked=True), lease, services)


async def send_invitation(job: Job, lease: JobLease, services: AccountMailServices) -> str:
    """Send a link that sets the first password of an account that an admin made."""
    account = await _account(job, services)
    if account is None or not account.active:
        return "gone"
    ticket = await services.tickets.issue(account.account_id, "reset", INVITATION)
    return await _send(_mail("invited", account, job, {"token": ticket}), lease, services)


async def send_account_notice(job: Job, lease: JobLease, services: AccountMailServices) -> str:
    """Send a notice about the account. Payload: letter, such as "password-changed", and its facts.

    `to`: the address, if it is not the current one.
    """
    account, said = await _account(job, services), job.said
    if account is None:
        return "gone"
    if said["letter"] == "forgetting-asked" and account.forgetting_due is None:
        return "cancelled"
    facts = {name: str(value or "") for name, value in said.items() if name not in _NOT_IN_THE_MAIL}
    letter = said["letter"]
    for name in _LATER_FACTS.get(letter, ()):  # jobs that an older release enqueued lack them
        facts.setdefault(name, "")
    return await _send(_mail(letter, account, job, facts, to=said.get("to")), lease, services)


async def send_farewell(job: Job, lease: JobLease, services: AccountMailServices) -> str:
    """Send the last mail to an erased person. Payload: email, name, language."""
    said = job.said
    name, language = {"name": said["name"]}, said.get("language") or ""
    message = MailMessage(job.key, "forgotten", said["email"], language, name, at=job.due_at)
    return await _send(message, lease, services)


async def _tell_holder(job: Job, lease: JobLease, email: str, services: AccountMailServices) -> bool:
    """Whether the address has an account; its holder is notified of the attempt to register it."""
    account = await _holder(email, services)
    if account is None:
        return False
    await _send(_mail("already-registered", account, job, {}), lease, services)
    return True


async def _holder(email: str, services: AccountMailServices) -> Account | None:
    """The current account of an address; None if there is none."""
    asked = FindAccount(by=OPERATOR, address=await services.store.address_id(email))
    try:
        return (await find_account(asked, services.store)).aggregate
    except NotFound:
        return None


async def _account(job: Job, services: AccountMailServices) -> Account | None:
    """The account of a job. Jobs that release 0.1.0 enqueued name it in their payload."""
    told = job.said.get("account_id")
    stream = job.subject if told is None else Account.id_of(UUID(told))
    return await current_state(Account, stream, services.store)


def _mail(
    letter: str, account: Account, job: Job, facts: Mapping[str, str], *, to: str | None = None, asked: bool = False
) -> MailMessage | None:
    """A mail to the holder of an account; None once the person is erased. `asked`: it says when it was requested."""
    contact = account.contact.value
    if contact is None:
        return None
    network = {"network": job.said.get("network", "")} if asked else {}
    return MailMessage(
        id=job.key,
        kind=letter,
        to=to or contact["email"],
        language=contact.get("language") or "",
        said={"name": contact["name"], **network, **facts},
        account_id=account.account_id,
        at=job.due_at,
        moments=_moments(job, asked=asked),
        timezone=contact.get("timezone") or "",
    )


async def _send(message: MailMessage | None, lease: JobLease, services: AccountMailServices) -> str:
    if message is None:
        return "forgotten"
    await services.mail.send(message, lease.hold)
    return "sent"


def _asked_at(job: Job) -> datetime:
    """When the code was requested; the jobs of release 0.1.0 do not say."""
    return job.moment("asked_at") or job.due_at


def _moments(job: Job, *, asked: bool) -> Mapping[str, datetime]:
    """The instants that the mail shows: when something is due or expires, and when a code was requested."""
    known = {name.removesuffix("_at"): job.moment(name) for name in _MOMENTS if job.said.get(name)}
    moments = {name: moment for name, moment in known.items() if moment is not None}
    return moments | ({"asked": _asked_at(job)} if asked else {})
