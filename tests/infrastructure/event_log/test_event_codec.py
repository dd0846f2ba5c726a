"""What is stored is what the library would store, and what is sealed is all of it."""

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from eventsourcing.persistence import DatetimeAsISO, DecimalAsStr, JSONTranscoder, UUIDAsHex
from hypothesis import given
from hypothesis import strategies as st

from domain.booking.appointment_status import AppointmentStatus
from domain.catalog.tag import Tag
from domain.errors import Invalid
from domain.kernel import new_id
from infrastructure.event_log.event_codec import EventRow, decode, digest, encode, evolve, state_text
from tests.infrastructure.event_log.entries import row

NOW = datetime(2026, 6, 1, 12, 30, tzinfo=UTC)


def library() -> JSONTranscoder:
    transcoder = JSONTranscoder()
    for transcoding in (UUIDAsHex(), DecimalAsStr(), DatetimeAsISO()):
        transcoder.register(transcoding)
    return transcoder


LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(),
    st.uuids(),
    st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-5, minutes=-30))])),
    st.decimals(allow_nan=False),
    st.sampled_from(AppointmentStatus),
)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=5)


@given(st.dictionaries(st.from_regex(r"[a-z][a-z_]{0,9}", fullmatch=True), VALUES))
def test_an_event_s_fields_are_written_to_the_letter_as_the_library_does(fields: dict[str, Any]) -> None:
    assert state_text(fields).encode() == library().encode(fields)


def a_tag(name: str = "Vegan") -> Tag:
    return Tag(id=Tag.id_of("vegan"), by=new_id(), slug="vegan", name=name, timestamp=NOW)


@pytest.mark.parametrize("name", ["Vegan", "", "Größe 🥕 \"'\\", "a\0b", "line\nbreak", "\u2028"])
def test_what_was_encoded_comes_back_as_it_was(name: str) -> None:
    tag = a_tag(name)
    stored = encode(tag.pending_events[0], "{}")
    assert json.loads(stored.state)["name"] == name
    back = evolve(None, [decode(stored.topic, stored.state, stored.stream, stored.version)])
    assert back is not None
    assert back.__dict__ == {**tag.__dict__, "_pending_events": []}


def test_text_that_utf_8_can_not_hold_is_refused() -> None:
    with pytest.raises(Invalid):
        encode(a_tag("\ud800").pending_events[0], "{}")


def test_topics_are_names_not_places() -> None:
    assert encode(a_tag().pending_events[0], "{}").topic == "Tag.Coined"


CHANGES: dict[str, Any] = {
    "id": new_id(),
    "stream": new_id(),
    "version": 2,
    "topic": "Tag.Retired",
    "state": b"{ }",
    "metadata": "{ }",
}


def sealed(r: EventRow) -> bytes:
    return digest(r.id, r.stream, r.version, r.topic, r.state, r.metadata)


@pytest.mark.parametrize("part", CHANGES)
def test_a_change_of_any_part_of_a_row_changes_its_digest(part: str) -> None:
    stored = row(new_id(), 1)
    assert sealed(stored) == stored.digest
    assert sealed(stored._replace(**{part: CHANGES[part]})) != stored.digest


def test_nothing_can_be_moved_from_one_part_of_a_row_to_the_next() -> None:
    id, stream = UUID(int=1), UUID(int=2)
    assert digest(id, stream, 1, "ab", b"c", "d") != digest(id, stream, 1, "a", b"bc", "d")
    assert digest(id, stream, 1, "a", b"bc", "d") != digest(id, stream, 1, "a", b"b", "cd")


def test_amounts_come_back_exactly() -> None:
    assert json.loads(state_text({"amount": Decimal("10.10")}))["amount"]["_data_"] == "10.10"
