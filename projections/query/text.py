"""Texts folded for search, and the keys by which names are sorted: the same on every server."""

import re
import struct
import unicodedata
from collections.abc import Iterator
from functools import cache
from itertools import chain
from typing import Any

from pyuca.collator import Collator_10_0_0  # type: ignore[import-untyped]  # it has no types
from sqlalchemy import ColumnElement, and_, literal

_ACCENTS = re.compile("[\u0300-\u036f]+")  # of Latin, Greek and Cyrillic; other scripts' marks are letters
_APOSTROPHES = (
    "'`\u00b4\u2018\u2019\u201a\u201b\u2032\u02b9\u02bb\u02bc\u02bd\u02be\u02bf\u02c8\u00b7\ua78b\ua78c\uff07"
)
_LETTER = re.compile(r"(LATIN|CYRILLIC) SMALL LETTER ([A-Z]+(?: [A-Z]+)?) WITH .+")
_SINGLE = {
    "æ": "ae",
    "œ": "oe",
    "ð": "d",
    "þ": "th",
    "ŋ": "n",
    "\u0131": "i",
    "ĸ": "k",
    "ɵ": "o",
    "·": "",
}  # ŀ is l and ·
_MOST_SORTED = 100  # characters of a name that decide its place, and 1,000 bytes of its key
_LONGEST_KEY = 1000


def folded(*texts: str | None) -> str:
    """The folded texts, one a line, so that no match spans two of them."""
    return "\n".join(map(_folded, filter(None, texts)))


def words(q: str) -> list[str]:
    """The folded words of a search, each once."""
    return list(dict.fromkeys(folded(q).split()))


def pattern(word: str) -> str:
    """The pattern, with escape character `/`, of texts that contain a word."""
    for special in "/%_":
        word = word.replace(special, f"/{special}")
    return f"%{word}%"


def has_words(column: ColumnElement[str], q: str) -> ColumnElement[bool]:
    """Whether all words of a search are in a column of folded texts."""
    return and_(*(column.like(literal(pattern(word)), escape="/") for word in words(q)))


def sort_key(name: str) -> bytes:
    """The place of a name by the Unicode Collation Algorithm; keys compare as bytes. Blanks around it do not count."""
    visible = "".join(char for char in name if unicodedata.category(char) != "Cf").strip()
    weights = _collator().sort_key(visible[:_MOST_SORTED]) if visible else ()
    return struct.pack(f">{len(weights)}H", *weights)[:_LONGEST_KEY]


@cache
def _collator() -> Any:
    """Loaded where names are sorted: 13 MB, and a fifth of a second."""
    return Collator_10_0_0()


def _folded(text: str) -> str:
    plain = _ACCENTS.sub("", unicodedata.normalize("NFKD", text.translate(_signs()).casefold()))
    return unicodedata.normalize("NFKC", plain.casefold().translate(_letters()))


@cache
def _signs() -> dict[int, str]:
    """Apostrophes, the middle dot of Catalan and invisible characters are left out; each kind of dash is a space."""
    invisible = (char for char in map(chr, range(0x10000)) if unicodedata.category(char) == "Cf")
    dashes = (char for char in map(chr, range(0x10000)) if unicodedata.category(char) == "Pd" or char == "\u2212")
    return {**{ord(char): "" for char in chain(_APOSTROPHES, invisible)}, **{ord(char): " " for char in dashes}}


@cache
def _letters() -> dict[int, str]:
    """Letters with a sign that Unicode does not decompose, such as ł and ø: the plain ones."""
    return {**dict(_undecomposed()), **{ord(char): plain for char, plain in _SINGLE.items()}}


def _undecomposed() -> Iterator[tuple[int, str]]:
    for code in range(0xC0, 0x10000):
        match = _LETTER.fullmatch(unicodedata.name(chr(code), ""))
        if match and not unicodedata.decomposition(chr(code)):
            try:
                yield code, _ACCENTS.sub("", unicodedata.lookup(f"{match[1]} SMALL LETTER {match[2]}"))
            except KeyError:
                continue
