"""The jobs that mail people about their account: codes, links and notices.

The id of a mail is the key of its job, so that receivers recognise a second copy.
"""

from collections.abc import Mapping
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
_NOT_IN_THE_MAIL = frozenset({"account_id", "letter", "to"})


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
    facts = {"token": secret, **_asked(job)}
    message = MailMessage(job.key, "verify", said["email"], said["language"] or "", facts)
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
    return await _write("new-address", account, job, lease, services, to=email, token=secret, **_asked(job))


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
    return await _write("reset", account, job, lease, services, token=ticket, **_asked(job))


async def send_invitation(job: Job, lease: JobLease, services: AccountMailServices) -> str:
    """Send a link that sets the first password of an account that an admin made."""
    account = await _account(job, services)
    if account is None or not account.active:
        return "gone"
    ticket = await services.tickets.issue(account.account_id, "reset", INVITATION)
    return await _write("invited", account, job, lease, services, token=ticket)


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
    for name in ("due_at", "expires_at"):
        if name in facts:
            instant = facts.pop(name)
            facts[name.removesuffix("_at")] = _date_of(datetime.fromisoformat(instant)) if instant else ""
    return await _write(said["letter"], account, job, lease, services, to=said.get("to"), **facts)


async def send_farewell(job: Job, lease: JobLease, services: AccountMailServices) -> str:
    """Send the last mail to an erased person. Payload: email, name, language."""
    said = job.said
    message = MailMessage(job.key, "forgotten", said["email"], said.get("language") or "", {"name": said["name"]})
    return await _send(message, lease, services)


async def _tell_holder(job: Job, lease: JobLease, email: str, services: AccountMailServices) -> bool:
    """Whether the address has an account; its holder is notified of the attempt to register it."""
    account = await _holder(email, services)
    if account is None:
        return False
    await _write("already-registered", account, job, lease, services)
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


async def _write(
    letter: str,
    account: Account,
    job: Job,
    lease: JobLease,
    services: AccountMailServices,
    *,
    to: str | None = None,
    **facts: str,
) -> str:
    contact = account.contact.value
    if contact is None:
        return "forgotten"
    told, language = {"name": contact["name"], **facts}, contact.get("language") or ""
    message = MailMessage(job.key, letter, to or contact["email"], language, told, account.account_id)
    return await _send(message, lease, services)


async def _send(message: MailMessage, lease: JobLease, services: AccountMailServices) -> str:
    await services.mail.send(message, lease.hold)
    return "sent"


def _asked_at(job: Job) -> datetime:
    """When the code was requested; the jobs of release 0.1.0 do not say."""
    return job.moment("asked_at") or job.due_at


def _asked(job: Job) -> Mapping[str, str]:
    """When and from which network the code was requested, as the mail shows it."""
    return {"asked": _date_of(_asked_at(job)), "network": job.said.get("network", "")}


def _date_of(moment: datetime) -> str:
    """The instant as account mails show it."""
    return moment.strftime("%Y-%m-%d %H:%M UTC")
