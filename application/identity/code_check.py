"""Whether the code of a mail is still valid, without using it: for pages, which mail scanners open too."""

from application.current_state import current_state
from application.identity.email_verification import VerificationServices
from application.identity.one_time_tokens import TicketVoid
from domain.people.account import Account


async def check_verification(secret: str, services: VerificationServices) -> None:
    """Raise TicketVoid for a code that `verify_email` would refuse because it is void."""
    async with services.atomically():  # which lets go of the row that `take` locks
        pending = await services.verifications.take(secret)
        account = await current_state(Account, Account.id_of(pending.account_id), services.store)
        if pending.void and account is None:
            raise TicketVoid
