"""Two e-mail addresses are one exactly if mail to both reaches one box."""

import string

import idna
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from application.people.email_address import NotDeliverable, deliverable, in_ascii, mailbox_of

# Letters that some folding confuses: capitals, sharp s, final sigma, dotless i, ligatures, Kelvin, full width.
CONFUSABLE = "aAsSßẞkKK\u212aiI\u0131İ\u03c3\u03c2ΣµμæéefﬁﬀKä\u0308aü" + "\uff41\uff21"
LOCALS = st.text(string.ascii_letters + "0123456789.+_-" + CONFUSABLE, min_size=1, max_size=4)
LABELS = st.text("abAB12-" + CONFUSABLE, min_size=1, max_size=4)
DOMAINS = st.lists(LABELS, min_size=1, max_size=3).map(".".join)
ADDRESSES = st.builds("{}@{}".format, LOCALS, DOMAINS)
MOSTLY_DELIVERABLE = st.builds(
    "{}@{}.org".format, st.text(string.ascii_letters + "0123456789+_-", min_size=1, max_size=4), DOMAINS
)
ASCII_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def a_label(domain: str) -> bytes | str:
    try:
        return idna.encode(domain, uts46=True)
    except idna.IDNAError:
        return domain.translate(ASCII_LOWER)


def respelled(address: str) -> st.SearchStrategy[str]:
    """Other spellings, some of the same mailbox."""
    local, _, domain = address.rpartition("@")
    forms = {domain, domain.upper(), domain.lower(), domain.casefold(), domain.replace("ß", "ss")}
    label = a_label(domain)
    if isinstance(label, bytes):
        forms |= {label.decode(), label.decode().upper(), idna.decode(label)}
    spellings = [local, local.upper(), local.lower(), local.casefold(), local.translate(ASCII_LOWER)]
    return st.builds("{}@{}".format, st.sampled_from(spellings), st.sampled_from(sorted(forms)))


@given(ADDRESSES.flatmap(lambda one: st.tuples(st.just(one), st.one_of(ADDRESSES, respelled(one)))))
def test_two_are_one_exactly_if_their_a_labels_and_their_ascii_folded_local_parts_are_equal(pair: tuple[str, str]):
    (one, _, domain), (other, _, another) = (each.rpartition("@") for each in pair)
    same = a_label(domain) == a_label(another) and one.translate(ASCII_LOWER) == other.translate(ASCII_LOWER)
    assert (mailbox_of(pair[0]) == mailbox_of(pair[1])) is same


@given(ADDRESSES)
def test_one_spelling_is_its_own(address: str):
    assert mailbox_of(mailbox_of(address)) == mailbox_of(address)


@given(MOSTLY_DELIVERABLE)
def test_what_is_delivered_travels_in_ascii_to_the_same_mailbox(address: str):
    try:
        assert deliverable(address) == address
    except NotDeliverable:
        assume(False)
    assert in_ascii(address).isascii()
    assert mailbox_of(in_ascii(address)) == mailbox_of(address)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Grace@Example.ORG", "grace@example.org"),
        ("ida@bücher.example", "ida@xn--bcher-kva.example"),
        ("ida@BÜCHER.example", "ida@XN--BCHER-KVA.example"),
        ("ida@bu\u0308cher.example", "ida@bücher.example"),
        (" ida@example.org ", "ida@example.org"),
    ],
)
def test_these_are_one(one: str, other: str):
    assert mailbox_of(one) == mailbox_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("info@strasse.example", "info@straße.example"),
        ("info@σίσυφος.example", "info@σίσυφοσ.example"),
        ("ﬁ@example.org", "fi@example.org"),
        ("strasse@example.org", "straße@example.org"),
        ("\u212a@example.org", "k@example.org"),
        ("i@example.org", "\u0131@example.org"),
    ],
)
def test_these_are_two(one: str, other: str):
    assert mailbox_of(one) != mailbox_of(other)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ada",
        "ada@",
        "@example.org",
        "x@b.example,postmaster",
        "a b@example.org",
        "ada@localhost",
        "jörg@example.org",
        "ada@exam_ple.org",
        "ada@xn--a.example",
        "ada@☃.example",
        "ada@[192.0.2.1]",
        '"a,b"@example.org',
        "ada@example.org\r\nBcc: bea@example.org",
    ],
)
def test_mail_goes_to_none_of_these(address: str):
    with pytest.raises(NotDeliverable):
        deliverable(address)
