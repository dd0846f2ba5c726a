"""A service, its terms, and what they mean for an offer."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from domain.catalog.service import NotOfferedBy, Service, ServiceWithdrawn
from domain.kernel import new_id
from domain.scheduling.availability import BookingWindow
from domain.scheduling.opening_hours import OpeningWindow
from tests.support.builders import terms

NOW = datetime(2026, 5, 1, tzinfo=UTC)
ME, PROVIDER = new_id(), new_id()


def a_service(**changes: Any) -> Service:
    service = Service(id=new_id(), by=ME, terms=terms(PROVIDER, **changes), timestamp=NOW)
    service.pending_events.clear()
    return service


def test_without_a_step_starts_lie_a_duration_apart() -> None:
    assert a_service(duration=45).slot_terms().step == 45
    assert a_service(duration=45, step=15).slot_terms().step == 15


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        (None, None),
        ({"kind": "rolling", "days": 30}, BookingWindow("rolling", 30)),
        ({"kind": "business", "days": 5}, BookingWindow("business", 5)),
        (
            {"kind": "fixed", "from": "2026-06-01", "to": "2026-06-30"},
            BookingWindow("fixed", None, date(2026, 6, 1), date(2026, 6, 30)),
        ),
        ({"kind": "fixed", "from": "2026-06-01"}, BookingWindow("fixed", None, date(2026, 6, 1), None)),
    ],
)
def test_its_window_reads_as_stored(window: dict[str, Any] | None, expected: BookingWindow | None) -> None:
    assert a_service(window=window).slot_terms().window == expected


def test_its_own_hours_read_as_stored() -> None:
    assert a_service(hours={"0": [[540, 720]]}).slot_terms().service_hours == {0: (OpeningWindow(540, 720),)}
    assert a_service(hours=None).slot_terms().service_hours is None


def test_a_change_of_some_terms_keeps_the_others_and_makes_a_new_offer() -> None:
    service = a_service(duration=30)
    assert service.slot_terms().duration == 30
    service.change(ME, {"duration": 60}, NOW)
    assert (service.slot_terms().duration, service.terms["price"]) == (60, 2500)
    service.change(ME, {"duration": 60}, NOW)
    assert [type(event).__name__ for event in service.pending_events] == ["Changed"]


def test_once_withdrawn_it_is_neither_offered_nor_changed() -> None:
    service = a_service()
    service.check_offered(PROVIDER)
    service.withdraw(ME, NOW)
    service.withdraw(ME, NOW)
    assert [type(event).__name__ for event in service.pending_events] == ["Withdrawn"]
    with pytest.raises(ServiceWithdrawn):
        service.check_offered(PROVIDER)
    with pytest.raises(ServiceWithdrawn):
        service.change(ME, {"duration": 60}, NOW)


def test_only_its_providers_offer_it() -> None:
    with pytest.raises(NotOfferedBy):
        a_service().check_offered(new_id())


def test_an_appointment_keeps_its_policy() -> None:
    assert a_service(cancel_notice=60, late_cancel="fee", late_fee=500).policy() == {
        "cancel_notice": 60,
        "reschedule_notice": 0,
        "max_reschedules": None,
        "late_cancel": "fee",
        "late_fee": 500,
        "reminders": [1440, 120],
        "complete_after": 720,
    }
