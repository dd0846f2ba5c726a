"""How often has a customer not come, or cancelled too late?"""

from datetime import timedelta
from uuid import uuid4

from domain.booking.appointment_fields import Reason
from domain.booking.origin import Party
from projections.query.ownership import Owner
from projections.search.attendance import Attendance, attendance_of
from tests.projections.story import NOW, a_customer, a_provider, an_appointment


async def test_it_counts_the_appointments_that_one_may_see(write, catch_up, look):
    carl, ada, bea = a_customer("Carl"), a_provider("Ada"), a_provider("Bea")
    missed, late, early, ahead, elsewhere = [
        an_appointment(host.id, customer_id=carl.id) for host in (ada, ada, ada, ada, bea)
    ]
    missed.miss(uuid4(), missed.starts_at + timedelta(minutes=5))
    elsewhere.miss(uuid4(), elsewhere.starts_at + timedelta(minutes=5))
    late.policy = {**late.policy, "cancel_notice": 525_600, "late_cancel": "fee"}
    late.cancel(carl.id, Reason("ill"), Party.CUSTOMER, NOW - timedelta(days=1))
    early.cancel(uuid4(), Reason("ill"), Party.STAFF, NOW - timedelta(days=1))
    await write(carl, ada, bea, missed, late, early, ahead, elsewhere)
    await catch_up()
    async with look("agenda") as read:
        assert await attendance_of(read, carl.id, owner=Owner(ada.owner_id)) == Attendance(1, 1)
        assert await attendance_of(read, carl.id, owner=Owner(bea.owner_id)) == Attendance(1, 0)
        assert await attendance_of(read, carl.id) == Attendance(2, 1)
        assert await attendance_of(read, uuid4()) == Attendance(0, 0)
