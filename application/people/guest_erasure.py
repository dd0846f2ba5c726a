"""Erasure of a guest: at once, because nobody can sign in to cancel it."""

from uuid import UUID

from application.access import OPERATOR
from application.current_state import GetCurrentState, get_current_state
from application.customer_record import all_records
from application.ending import AppointmentsAhead
from application.people.erasure import CANCEL_THEM, ErasureServices, RequestOrigin, end, erase
from domain.errors import Conflict, NotFound
from domain.people.customer import Customer, CustomerMerged


class HasAccount(Conflict):
    """This customer has an account: erase the user instead."""


async def erase_guest(customer_id: UUID, by: ErasureServices, who: RequestOrigin, *, cancel: bool) -> None:
    """Erase a customer without an account immediately, as the log has the customer now. `who`: asks for it.

    Raises NotFound, CustomerMerged, HasAccount, AppointmentsAhead.
    """
    asked = GetCurrentState(by=OPERATOR, kind=Customer, id=customer_id)
    found = await get_current_state(asked, by.store)
    guest = found.aggregate
    if not isinstance(guest, Customer) or guest.forgotten:
        raise NotFound("customer", customer_id)
    if guest.merged_into is not None:
        raise CustomerMerged
    if not guest.is_guest:
        raise HasAccount
    if not cancel:
        ahead = await by.obligations.ahead(customer_id, by.store.now(), found.position)
        if ahead.appointments:
            raise AppointmentsAhead(len(ahead.appointments), CANCEL_THEM)
    subjects = await all_records([customer_id], by.store)
    await end(subjects, customer_id, by, who)
    await erase(subjects, by, who)
