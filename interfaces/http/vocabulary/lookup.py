"""Finds the word of a field or parameter."""

from collections import ChainMap
from collections.abc import Mapping

from interfaces.http.vocabulary import booking, catalog, identity, operations, people, reporting, scheduling, webhooks
from interfaces.http.vocabulary.word import Word

ROOMS = (scheduling, booking, catalog, people, identity, webhooks, reporting, operations)
WORDS: Mapping[str, Word] = ChainMap(*(dict(room.WORDS) for room in ROOMS))


def word_of(place: str, name: str) -> Word | None:
    """The word of a field of a schema, or of a parameter of an operation; None if it has none."""
    return WORDS.get(f"{place}.{name}") or WORDS.get(name)
