"""A cursor is good for its own list, and tells nothing."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from string import ascii_letters

import pytest

from interfaces.http.framework.cursors import LONGEST, Cursors
from interfaces.http.framework.request_errors import BadCursor

CURSORS = Cursors("a secret of the tests, long enough to seal with")
LIST = 'list_customers {"q":"\ud800"}'


def told(cursor: str) -> bytes:
    return urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))


def test_what_was_sealed_is_opened() -> None:
    cursor = CURSORS.seal("Hopper, Grace", LIST)
    assert CURSORS.open(cursor, LIST) == "Hopper, Grace"
    assert CURSORS.seal(None, LIST) is None
    assert CURSORS.open(None, LIST) is None


def test_a_name_in_it_can_not_be_read() -> None:
    cursor = CURSORS.seal("Hopper, Grace", LIST)
    assert cursor is not None
    assert b"Grace" not in told(cursor)


def test_it_is_good_for_its_own_list_of_its_own_installation() -> None:
    cursor = CURSORS.seal("Hopper, Grace", LIST)
    for cursors, of in ((CURSORS, "list_users {}"), (Cursors("another"), LIST)):
        with pytest.raises(BadCursor):
            cursors.open(cursor, of)


@pytest.mark.parametrize("n", range(len("Hopper, Grace") + 28))
def test_whatever_is_changed_in_it_is_seen(n: int) -> None:
    changed = bytearray(told(CURSORS.seal("Hopper, Grace", LIST) or ""))
    changed[n] ^= 1
    with pytest.raises(BadCursor):
        CURSORS.open(urlsafe_b64encode(changed).decode().rstrip("="), LIST)


def test_every_character_of_it_counts() -> None:
    cursor = CURSORS.seal("Hopper, Grace", LIST) or ""
    for at in range(len(cursor) + 1):
        for other in {*ascii_letters, *"!=. +/"} - {*cursor[at : at + 1]}:
            for changed in {cursor[:at] + other + cursor[at + 1 :], cursor[:at] + other + cursor[at:]}:
                with pytest.raises(BadCursor):
                    CURSORS.open(changed, LIST)


@pytest.mark.parametrize("odd", ["", "=", "AAAA", "A" * 37, "\u00e9", "A" * LONGEST * 2])
def test_what_is_none_is_refused(odd: str) -> None:
    with pytest.raises(BadCursor):
        CURSORS.open(odd, LIST)


def test_a_cursor_of_the_key_before_still_works_and_none_of_the_key_before_that() -> None:
    cursor = Cursors("first").seal("Hopper, Grace", LIST)
    assert Cursors("second", "first").open(cursor, LIST) == "Hopper, Grace"
    with pytest.raises(BadCursor):
        Cursors("third", "second").open(cursor, LIST)
    newer = Cursors("second", "first").seal("Hopper, Grace", LIST)
    assert Cursors("first", "second").open(newer, LIST) == "Hopper, Grace"  # by a process that does not use it yet
