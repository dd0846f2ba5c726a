"""One active admin always stays."""

from datetime import UTC, datetime

import pytest

from domain.kernel import new_id
from domain.people.admins import Admins, LastAdmin

NOW = datetime(2030, 1, 7, 9, tzinfo=UTC)
ADA, BEA = new_id(), new_id()


def test_the_last_one_does_not_leave() -> None:
    admins = Admins(id=Admins.ID, timestamp=NOW)
    for account_id in (ADA, BEA, ADA):
        admins.join(account_id, NOW)
    assert admins.accounts == (ADA, BEA)
    admins.leave(ADA, NOW)
    admins.leave(ADA, NOW)
    with pytest.raises(LastAdmin):
        admins.leave(BEA, NOW)
    assert admins.accounts == (BEA,)
    admins.leave(new_id(), NOW)
