"""The life of an appointment: given what happened, when somebody asks, then this happens or is refused."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

import pytest

from domain.booking.appointment import Appointment
from domain.booking.appointment_fields import BookedTerms, Reason
from domain.booking.appointment_status import (
    AppointmentEnded,
    AppointmentStarted,
    AppointmentStatus,
    NotANoShow,
    RequestPending,
    TooEarly,
    TooLateToCancel,
    TooLateToReschedule,
    TooManyReschedules,
)
from domain.booking.origin import Party
from domain.booking.placement import Booking, Move, Placement
from domain.booking.policy import Policy
from domain.kernel import new_id

START = datetime(2026, 6, 1, 10, tzinfo=UTC)
EARLIER = START - timedelta(days=7)
CUSTOMER, STAFF = new_id(), new_id()
Step = Callable[[Appointment], None]

POLICY: dict[str, Any] = {
    "cancel_notice": 1440,
    "reschedule_notice": 720,
    "max_reschedules": 2,
    "late_cancel": "refuse",
    "late_fee": None,
}


def before(minutes: int) -> datetime:
    """So many minutes before the start."""
    return START - timedelta(minutes=minutes)


def place(start: datetime = START, provider_id: UUID | None = None, **policy: Any) -> tuple[Move, BookedTerms]:
    placement = Placement(provider_id or UUID(int=7), start, 30, 5, 10, "Europe/Berlin")
    return Move(placement), BookedTerms(2500, "EUR", cast("Policy", POLICY | policy))


def booked(*then: Step, **policy: Any) -> Appointment:
    """Given a booked appointment, and what happened to it then."""
    move, terms = place(**policy)
    booking = Booking(CUSTOMER, new_id(), CUSTOMER, move.placement)
    appointment = Appointment.book(new_id(), booking, terms, None, EARLIER)
    for step in then:
        step(appointment)
    appointment.pending_events.clear()
    return appointment


def cancelled_by(by: UUID, party: str, **more: Any) -> dict[str, Any]:
    """What a cancelled appointment says of its end."""
    return {"by": by, "party": party, "reason": "", "reason_code": None, "late": False, "fee": 0} | more


def cancel(now: datetime = EARLIER, *, by_customer: bool = True, reason: str = "") -> Step:
    by, party = (CUSTOMER, Party.CUSTOMER) if by_customer else (STAFF, Party.STAFF)
    return lambda a: a.cancel(by, Reason(reason), party, now)


def move(now: datetime = EARLIER, *, by_customer: bool = True, to: datetime | None = None) -> Step:
    by = CUSTOMER if by_customer else STAFF
    start = to or START + timedelta(days=1)
    return lambda a: a.reschedule(by, *place(start), by_customer=by_customer, now=now)


def check_in(now: datetime = START) -> Step:
    return lambda a: a.check_in(STAFF, now)


def complete(now: datetime = START) -> Step:
    return lambda a: a.complete(STAFF, now)


def miss(now: datetime = START) -> Step:
    return lambda a: a.miss(STAFF, now)


def undo(now: datetime = START) -> Step:
    return lambda a: a.undo_no_show(STAFF, now)


def annotate(note: str = "bring a hat") -> Step:
    return lambda a: a.annotate(CUSTOMER, note, {}, EARLIER)


def happened(appointment: Appointment) -> list[str]:
    return [type(event).__name__ for event in appointment.pending_events]


def test_it_starts_booked_and_occupies_its_buffers() -> None:
    appointment = booked()
    assert appointment.status is AppointmentStatus.BOOKED
    assert (appointment.starts_at, appointment.ends_at) == (START, START + timedelta(minutes=30))
    assert (appointment.since, appointment.until) == (before(5), START + timedelta(minutes=40))


HISTORIES: dict[str, tuple[Step, ...]] = {
    "booked": (),
    "checked_in": (check_in(),),
    "completed": (complete(),),
    "no_show": (miss(),),
    "cancelled": (cancel(),),
}
ACTIONS: dict[str, Step] = {
    "annotate": annotate(),
    "reschedule": move(),
    "cancel": cancel(),
    "check in": check_in(),
    "complete": complete(),
    "miss": miss(),
    "undo no-show": undo(),
}
SAME: list[str] = []
LIFE: dict[tuple[str, str], list[str] | type[Exception]] = {
    ("booked", "annotate"): ["Noted"],
    ("booked", "reschedule"): ["Rescheduled"],
    ("booked", "cancel"): ["Cancelled"],
    ("booked", "check in"): ["CheckedIn"],
    ("booked", "complete"): ["Completed"],
    ("booked", "miss"): ["NoShow"],
    ("booked", "undo no-show"): NotANoShow,
    ("checked_in", "annotate"): ["Noted"],
    ("checked_in", "reschedule"): AppointmentEnded,
    ("checked_in", "cancel"): ["Cancelled"],
    ("checked_in", "check in"): SAME,
    ("checked_in", "complete"): ["Completed"],
    ("checked_in", "miss"): ["NoShow"],
    ("checked_in", "undo no-show"): NotANoShow,
    ("completed", "undo no-show"): NotANoShow,
    ("cancelled", "undo no-show"): NotANoShow,
    ("completed", "complete"): SAME,
    ("no_show", "miss"): SAME,
    ("no_show", "undo no-show"): ["NoShowUndone"],
    ("cancelled", "cancel"): SAME,
}


@pytest.mark.parametrize("status", HISTORIES)
@pytest.mark.parametrize("action", ACTIONS)
def test_every_step_of_its_life_is_allowed_refused_or_already_so(status: str, action: str) -> None:
    appointment = booked(*HISTORIES[status])
    assert appointment.status == status
    expected = LIFE.get((status, action), AppointmentEnded)  # what has ended can't be changed
    if isinstance(expected, list):
        ACTIONS[action](appointment)
        assert happened(appointment) == expected
    else:
        with pytest.raises(expected):
            ACTIONS[action](appointment)
        assert happened(appointment) == []
        assert appointment.status == status


@pytest.mark.parametrize("step", [complete, miss])
def test_it_can_not_have_taken_place_or_been_missed_before_its_start(
    step: Callable[[datetime], Step],
) -> None:
    with pytest.raises(TooEarly):
        step(before(1))(booked())
    appointment = booked()
    step(START)(appointment)
    assert happened(appointment)


def test_a_customer_cancels_freely_until_the_notice() -> None:
    appointment = booked(cancel(before(1440)))
    assert appointment.cancelled == {**cancelled_by(CUSTOMER, "customer"), "at": appointment.updated_at}


def test_a_customer_who_cancels_late_is_refused_where_the_policy_says_so() -> None:
    appointment = booked()
    with pytest.raises(TooLateToCancel):
        cancel(before(1439))(appointment)
    assert appointment.status is AppointmentStatus.BOOKED


@pytest.mark.parametrize(("fee", "charged"), [(1500, 1500), (0, 0), (None, 0)])
def test_a_customer_who_cancels_late_pays_the_fee_where_the_policy_says_so(fee: int | None, charged: int) -> None:
    appointment = booked(cancel(before(1439)), late_cancel="fee", late_fee=fee)
    assert appointment.status is AppointmentStatus.CANCELLED
    assert appointment.cancelled == {
        **cancelled_by(CUSTOMER, "customer", late=True, fee=charged),
        "at": appointment.updated_at,
    }


@pytest.mark.parametrize("late_cancel", ["refuse", "fee"])
def test_staff_cancel_at_any_time_at_no_cost_to_the_customer(late_cancel: str) -> None:
    appointment = booked(cancel(before(0), by_customer=False, reason="ill"), late_cancel=late_cancel, late_fee=1500)
    assert appointment.cancelled == {**cancelled_by(STAFF, "staff", reason="ill"), "at": appointment.updated_at}


def test_a_customer_moves_it_until_the_notice() -> None:
    move(before(720))(appointment := booked())
    assert appointment.starts_at == START + timedelta(days=1)
    with pytest.raises(TooLateToReschedule):
        move(before(719))(booked())


def test_a_customer_moves_it_no_more_often_than_allowed() -> None:
    appointment = booked(move(), move())
    with pytest.raises(TooManyReschedules):
        move()(appointment)
    move(by_customer=False)(appointment)
    assert happened(appointment) == ["Rescheduled"]


def test_moves_by_staff_do_not_count_against_the_customer_nor_need_notice() -> None:
    appointment = booked(*[move(before(0), by_customer=False)] * 5)
    assert appointment.reschedules == 0
    move()(appointment)
    assert appointment.reschedules == 1


def test_without_a_bound_it_is_moved_as_often_as_wanted() -> None:
    appointment = booked(max_reschedules=None)
    for day in range(1, 20):
        unbounded = place(START + timedelta(days=day), max_reschedules=None)
        appointment.reschedule(CUSTOMER, *unbounded, by_customer=True, now=EARLIER)
    assert appointment.reschedules == 19


def test_the_terms_of_the_moment_it_was_moved_apply_from_then_on() -> None:
    appointment = booked(cancel_notice=10_000)
    move, terms = place(START, cancel_notice=0)
    renewed = Move(move.placement._replace(duration=60)), terms._replace(price=9900)
    appointment.reschedule(CUSTOMER, *renewed, by_customer=True, now=EARLIER)
    assert (appointment.price, appointment.ends_at) == (9900, START + timedelta(minutes=60))
    cancel(before(1))(appointment)
    assert appointment.cancelled is not None
    assert not appointment.cancelled["late"]


def dearer(start: datetime) -> tuple[Move, BookedTerms]:
    """A place on new terms: another price, and no cancellation within a week."""
    move, terms = place(start, cancel_notice=7 * 1440, late_cancel="fee", late_fee=5000)
    return move, terms._replace(price=9900, currency="CHF")


def test_a_move_by_staff_keeps_the_terms_that_the_customer_agreed_to() -> None:
    appointment = booked(late_cancel="fee", late_fee=1500)
    agreed = appointment.price, appointment.currency, appointment.policy
    appointment.reschedule(STAFF, *dearer(START + timedelta(hours=1)), by_customer=False, now=before(60))
    assert (appointment.price, appointment.currency, appointment.policy) == agreed


@pytest.mark.parametrize("late_cancel", ["refuse", "fee"])
def test_who_was_moved_by_staff_cancels_at_no_cost_until_the_start(late_cancel: str) -> None:
    moved = booked(move(before(60), by_customer=False, to=START), late_cancel=late_cancel, late_fee=1500)
    assert moved.cancellable_until == START
    cancel(before(1))(moved)
    assert moved.cancelled == {**cancelled_by(CUSTOMER, "customer"), "at": moved.updated_at}


def test_a_move_of_the_customer_s_own_agrees_to_the_present_terms() -> None:
    appointment = booked(move(before(2000), by_customer=False, to=START))
    appointment.reschedule(CUSTOMER, *dearer(START + timedelta(hours=1)), by_customer=True, now=before(1000))
    assert (appointment.price, appointment.currency, appointment.free_cancellation) == (9900, "CHF", False)
    cancel(before(900))(appointment)
    assert appointment.cancelled == {
        **cancelled_by(CUSTOMER, "customer", late=True, fee=5000),
        "at": appointment.updated_at,
    }


@pytest.mark.parametrize("minutes", [0, 1, 60 * 24])
@pytest.mark.parametrize("step", [cancel, move])
def test_a_customer_neither_cancels_nor_moves_it_once_it_has_started(step: Callable[..., Step], minutes: int) -> None:
    late = START + timedelta(minutes=minutes)
    anything_goes = {"cancel_notice": 0, "reschedule_notice": 0, "late_cancel": "fee", "late_fee": None}
    for appointment in (booked(**anything_goes), booked(move(before(1), by_customer=False, to=START), **anything_goes)):
        with pytest.raises(AppointmentStarted):
            step(late)(appointment)
        step(late, by_customer=False)(appointment)
        assert happened(appointment)


def test_a_no_show_can_be_undone_within_24_hours() -> None:
    marked = START + timedelta(hours=3)
    appointment = booked(miss(marked))
    undo(marked + timedelta(hours=24))(appointment)
    assert (appointment.status, appointment.missed_at) == (AppointmentStatus.BOOKED, None)
    with pytest.raises(AppointmentEnded):
        undo(marked + timedelta(hours=24, seconds=1))(booked(miss(marked)))


def test_the_same_note_again_is_nothing_new() -> None:
    appointment = booked(annotate())
    annotate()(appointment)
    assert happened(appointment) == []


def test_its_history_tells_what_memory_holds() -> None:
    appointment = booked()
    moved, terms = place(late_cancel="fee", late_fee=1500)
    booking = Booking(CUSTOMER, appointment.service_id, CUSTOMER, moved.placement)
    whole = Appointment.book(appointment.id, booking, terms, None, EARLIER)
    for step in (
        annotate(),
        move(),
        check_in(),
        miss(START + timedelta(days=1)),
        undo(START + timedelta(days=1)),
    ):
        step(whole)
    replayed: Any = None
    for event in whole.pending_events:
        replayed = event.mutate(replayed)
    assert {**replayed.__dict__, "_pending_events": []} == {**whole.__dict__, "_pending_events": []}


def ask_to_move(now: datetime = EARLIER, to: datetime | None = None) -> Step:
    moved, terms = dearer(to or START + timedelta(days=1))
    return lambda a: a.request_move(CUSTOMER, moved, terms, now + timedelta(days=1), now)


def confirm(now: datetime = EARLIER) -> Step:
    return lambda a: a.confirm(STAFF, now)


def decline(now: datetime = EARLIER) -> Step:
    return lambda a: a.decline(STAFF, Reason("full"), now)


def expire(now: datetime = EARLIER + timedelta(days=1)) -> Step:
    return lambda a: a.expire(now)


WHILE_ASKED: dict[str, list[str] | type[Exception]] = {
    "annotate": ["Noted"],
    "reschedule": RequestPending,
    "cancel": ["Cancelled"],
    "check in": RequestPending,
    "complete": RequestPending,
    "miss": RequestPending,
    "undo no-show": NotANoShow,
    "ask to move": RequestPending,
    "confirm": ["Confirmed"],
    "decline": ["MoveDeclined"],
    "expire": ["MoveExpired"],
    "expire too soon": SAME,
}
ANSWERS = {
    "ask to move": ask_to_move(),
    "confirm": confirm(),
    "decline": decline(),
    "expire": expire(),
    "expire too soon": expire(EARLIER),
}


@pytest.mark.parametrize("action", WHILE_ASKED)
def test_every_step_while_its_customer_asks_to_move_it(action: str) -> None:
    appointment, step = booked(ask_to_move()), {**ACTIONS, **ANSWERS}[action]
    expected = WHILE_ASKED[action]
    if isinstance(expected, list):
        step(appointment)
        assert happened(appointment) == expected
    else:
        with pytest.raises(expected):
            step(appointment)
        assert (happened(appointment), appointment.status) == ([], AppointmentStatus.REQUESTED)


@pytest.mark.parametrize("answer", [decline(), expire()], ids=["declined", "not answered"])
def test_who_asked_in_vain_has_what_was_agreed_before(answer: Step) -> None:
    appointment, before = booked(ask_to_move(), answer), booked()
    names = ("status", "placement", "price", "currency", "policy", "reschedules", "free_cancellation", "expires_at")
    assert [getattr(appointment, name) for name in names] == [getattr(before, name) for name in names]
    assert appointment.confirmed is None


def test_a_confirmed_move_has_the_terms_that_the_customer_agreed_to() -> None:
    appointment = booked(ask_to_move(), confirm())
    assert (appointment.price, appointment.starts_at) == (9900, START + timedelta(days=1))
    assert (appointment.confirmed, appointment.expires_at, appointment.reschedules) == (None, None, 1)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (lambda it: it.confirm(STAFF, EARLIER), "made"),
        (lambda it: it.decline(STAFF, Reason("full"), EARLIER), "declined"),
        (lambda it: it.expire(it.expires_at), "expired"),
        (lambda it: None, "requested"),
    ],
)
def test_the_last_move_says_what_has_become_of_it(answer: Step, outcome: str) -> None:
    asked = booked(move(EARLIER, by_customer=False, to=START), ask_to_move())
    at = asked.updated_at
    answer(asked)
    said = {"at": at, "by": CUSTOMER, "by_customer": True, "outcome": outcome, "reason": ""}
    assert asked.rescheduled == said
    assert booked().rescheduled is None


def test_a_requested_move_ends_before_either_start() -> None:
    sooner = START - timedelta(hours=1)
    for start in (sooner, START + timedelta(hours=1)):
        asked = booked(ask_to_move(START - timedelta(hours=20), to=start))
        assert asked.expires_at == min(start, START)


def test_a_late_cancellation_costs_what_it_did_before_the_customer_asked_to_move() -> None:
    terms = {"late_cancel": "fee", "late_fee": 1500, "reschedule_notice": 0}
    appointment = booked(ask_to_move(before(60)), cancel(before(59)), **terms)
    assert appointment.cancelled == {
        **cancelled_by(CUSTOMER, "customer", late=True, fee=1500),
        "at": appointment.updated_at,
    }
    early = booked(ask_to_move(), cancel(), **terms)
    assert early.cancelled == {**cancelled_by(CUSTOMER, "customer"), "at": early.updated_at}


def test_a_move_is_asked_for_under_the_rules_of_a_move() -> None:
    with pytest.raises(TooLateToReschedule):
        ask_to_move(before(719))(booked())
    with pytest.raises(TooManyReschedules):
        ask_to_move()(booked(move(), move()))
    with pytest.raises(AppointmentStarted):
        ask_to_move(START)(booked(reschedule_notice=0))
