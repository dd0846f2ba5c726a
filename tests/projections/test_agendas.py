"""The daily agenda of an account: what takes place with its providers, from the read models."""

from uuid import uuid4

import pytest

from domain.booking.appointment_fields import Reason
from domain.booking.origin import Party
from infrastructure.agendas import AgendaReadModel
from tests.projections.story import NOW, a_provider, an_appointment, at

pytestmark = pytest.mark.usefixtures("database")


async def test_it_lists_what_takes_place_that_day_with_the_owner_s_providers(write, catch_up, reads) -> None:
    owner = uuid4()
    mine, also_mine, other = a_provider(owner_id=owner), a_provider(owner_id=owner), a_provider()
    early, late = an_appointment(mine.id, at(9)), an_appointment(also_mine.id, at(15))
    gone, elsewhere, tomorrow = (
        an_appointment(mine.id, at(11)),
        an_appointment(other.id, at(9)),
        an_appointment(mine.id, at(9, day=8)),
    )
    gone.cancel(uuid4(), Reason("ill"), Party.STAFF, NOW)
    await write(mine, also_mine, other, late, early, gone, elsewhere, tomorrow)
    await catch_up()
    found = await AgendaReadModel(reads).of(owner, at(0), at(0, day=8))
    assert [(each.provider_id, each.starts_at) for each in found] == [(mine.id, at(9)), (also_mine.id, at(15))]
    assert [each.customer_id for each in found] == [early.customer_id, late.customer_id]
