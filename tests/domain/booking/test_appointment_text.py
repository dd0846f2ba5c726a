"""Note and answers have a budget, since every version of them stays in the log."""

import pytest

from domain.booking.appointment_text import LARGEST_TEXT, TextTooLong, note_of
from domain.kernel import new_id
from domain.personal_data import MOST_WRITTEN, TextBudgetSpent
from tests.domain.booking.test_appointment import CUSTOMER, EARLIER, booked

LARGE = LARGEST_TEXT - 100


TOO_LONG = [{"q": "a" * 17_000}, {str(n): "\u00e9" * 2_000 for n in range(4)}, {"n" * 16_000: 1}]


@pytest.mark.parametrize("answers", TOO_LONG)
def test_note_and_answers_together_have_a_size(answers: dict[str, object]) -> None:
    with pytest.raises(TextTooLong, match=f"at most {LARGEST_TEXT}"):
        note_of(new_id(), "By the window.", answers)


def test_all_versions_together_have_a_size() -> None:
    appointment = booked()
    for number in range(MOST_WRITTEN // LARGEST_TEXT):
        appointment.annotate(CUSTOMER, "", {"q": str(number) + "a" * LARGE}, EARLIER)
    with pytest.raises(TextBudgetSpent, match=str(MOST_WRITTEN)):
        appointment.annotate(CUSTOMER, "", {"q": "b" * LARGE}, EARLIER)
    appointment.annotate(CUSTOMER, "Later.", {}, EARLIER)  # what is small may still be said
    assert appointment.note == "Later."


def test_what_is_said_again_costs_nothing() -> None:
    appointment = booked()
    for _ in range(20):
        appointment.annotate(CUSTOMER, "", {"q": "a" * LARGE}, EARLIER)
    assert len(appointment.pending_events) == 1
