"""Texts are found however they are typed, and sorted as people expect in any script."""

# ruff: noqa: RUF001  letters and signs that look alike are what is tested

import unicodedata
from random import Random

import pytest

from projections.query.text import folded, sort_key, words

SAME = [
    ("Łukasz", "lukasz"),
    ("ŁUKASZ", "łukasz"),
    ("O’Connor", "o'connor"),
    ("O'Connor", "oʼconnor"),
    ("O`Connor", "oconnor"),
    ("Søren", "soren"),
    ("Ærø", "aero"),
    ("Œuvre", "oeuvre"),
    ("Đorđe", "dorde"),
    ("Guðrún", "gudrun"),
    ("Þóra", "thora"),
    ("Straße", "STRASSE"),
    ("IŞIK", "ışık"),
    ("İzmir", "izmir"),
    ("Ħamrun", "hamrun"),
    ("Ŧ", "t"),
    ("Ŋ", "n"),
    ("Ґалаґан", "галаган"),
    ("Ёлка", "елка"),
    ("Anne‑Marie", "anne-marie"),
    ("Anne–Marie", "anne marie"),
    ("Anne\u00a0Marie", "anne marie"),
    ("Anne\u2003 Marie", "anne marie"),
    ("An\u00adne\u200bMarie", "annemarie"),
    ("ｔｏｋｙｏ", "Tokyo"),
    ("ﬁn", "fin"),
    ("col·lega", "collega"),
    ("Aŀlot", "allot"),
    ("Σίσυφος", "σισυφοσ"),
]


@pytest.mark.parametrize(("written", "typed"), SAME)
def test_a_text_is_found_however_its_letters_are_typed(written: str, typed: str):
    assert words(written) == words(typed)
    assert all(word in folded(written) for word in words(typed))


@pytest.mark.parametrize("nothing", ["'", "’’", "- –", "\u200b", "\u00ad", " "])
def test_punctuation_that_is_folded_away_is_no_word(nothing: str):
    assert words(nothing) == []


def test_no_latin_letter_with_a_sign_is_left_as_it_is():
    """Whatever Unicode calls a Latin letter with something folds to ASCII; phonetic signs excepted."""
    signed = [
        char
        for char in map(chr, range(0xC0, 0x250))
        if " WITH " in unicodedata.name(char, "") and unicodedata.name(char).startswith("LATIN ")
    ]
    turned = {char for char in signed if not folded(char).isascii()}
    assert turned == {"ǯ", "Ǯ", "ƛ", "ƺ", "ƻ", "ƾ"}


ORDER = [
    "Ada",
    "Æsop",
    "Bea",
    "Éric",
    "Erik",
    "lukas",
    "Łukasz",
    "Lz",
    "Oconnor",
    "Østergaard",
    "Oz",
    "straße",
    "Zoë",
    "Елена",
    "Ёлка",
    "Иван",
    "中村",
]


def test_names_sort_by_the_unicode_collation_algorithm():
    shuffled = Random(0).sample(ORDER, len(ORDER))
    assert sorted(shuffled, key=sort_key) == ORDER
    assert sorted(["ada", "Ada", "Adá", "adb"], key=sort_key) == ["ada", "Ada", "Adá", "adb"]


def test_blanks_and_invisible_characters_before_a_name_do_not_sort_it_first():
    assert sort_key("  Bea") == sort_key("Bea") == sort_key("\u200bBea\u2003")
    assert sort_key("Ada") < sort_key(" Bea") < sort_key("Cleo")


def test_a_sort_key_fits_into_an_index():
    """PostgreSQL indexes at most 2,704 bytes."""
    assert max(len(sort_key(char * 200)) for char in ("a", "中", "각", "\ufdfa", "\U0001f600")) <= 1000


def test_a_text_without_letters_has_a_key_too():
    assert sort_key("") == b"" == sort_key("\u200b")
