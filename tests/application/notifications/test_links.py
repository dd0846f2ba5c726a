"""Links of mails: what each permits, to whom, until when; and that nobody makes one but Daybook."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from application.access import ACCESS, LINK_SCOPES, Caller, LinkPurpose, Role, permit
from application.notifications.links import TOKEN, LinkExpired, Links, LinkVoid, code_link
from domain.errors import Forbidden
from domain.kernel import new_id

NOW = datetime(2030, 1, 1, tzinfo=UTC)
UNTIL = NOW + timedelta(days=7)
SUBJECT = UUID(int=1)
LINKS = Links("https://daybook.test/booking/", b"k" * 32)


def a_token() -> str:
    link = LINKS.signed(LinkPurpose.APPOINTMENT, SUBJECT, "Ada@Example.org", UNTIL, "en")
    found = TOKEN.search(link)
    assert found is not None
    return found[1]


@pytest.mark.parametrize(
    ("purpose", "path"),
    [
        (LinkPurpose.APPOINTMENT, "appointments"),
        (LinkPurpose.STAFF, "appointments"),
        (LinkPurpose.OFFER, "waitlist"),
        (LinkPurpose.WEBHOOK, "webhooks"),
        (LinkPurpose.MAILS, "mails"),
        (LinkPurpose.NOTIFICATIONS, "notifications"),
    ],
)
def test_a_link_leads_to_the_page_of_its_subject_in_the_language_of_the_mail(purpose: LinkPurpose, path: str) -> None:
    link = LINKS.signed(purpose, SUBJECT, "ada@example.org", UNTIL, "ru")
    assert link.startswith(f"https://daybook.test/booking/{path}/{SUBJECT}?t=")
    assert link.endswith("&lang=ru")
    assert LINKS.plain(purpose, SUBJECT) == f"https://daybook.test/booking/{path}/{SUBJECT}"


def test_a_code_is_in_the_query_where_no_log_of_daybook_has_it() -> None:
    base = "https://daybook.test/"
    assert code_link(base, "verify", "c0de", "en") == "https://daybook.test/verify?code=c0de&lang=en"
    assert code_link(base, "new-address", "c0de", "en") == "https://daybook.test/verify?code=c0de&lang=en"
    assert code_link(base, "reset", "c0de", "ru") == "https://daybook.test/reset?code=c0de&lang=ru"
    assert code_link(base, "invited", "c0de", "ru") == "https://daybook.test/reset?code=c0de&lang=ru"


def test_a_link_is_of_the_mailbox_that_it_was_sent_to() -> None:
    capability = LINKS.open(a_token(), SUBJECT, NOW)
    assert capability.purpose is LinkPurpose.APPOINTMENT
    assert LINKS.is_of(capability, "ada@example.org"), "the same mailbox, spelt in another way"
    assert not LINKS.is_of(capability, "eve@example.org")
    assert not LINKS.is_of(capability, None)


def test_a_link_ends_at_its_time() -> None:
    token = a_token()
    LINKS.open(token, SUBJECT, UNTIL - timedelta(seconds=1))
    with pytest.raises(LinkExpired):
        LINKS.open(token, SUBJECT, UNTIL)


def test_a_link_is_about_one_subject() -> None:
    with pytest.raises(LinkVoid):
        LINKS.open(a_token(), new_id(), NOW)


def test_another_key_opens_nothing() -> None:
    with pytest.raises(LinkVoid):
        Links("https://daybook.test", b"x" * 32).open(a_token(), SUBJECT, NOW)


def test_every_changed_character_is_found_out() -> None:
    token = a_token()
    other = {each: "A" if each != "A" else "B" for each in token}
    changed = [token[:n] + other[token[n]] + token[n + 1 :] for n in range(len(token))]
    for each in [*changed, token + "A", token + "=", token[:-1], "", "é", "A" * 9_999]:
        with pytest.raises(LinkVoid):
            LINKS.open(each, SUBJECT, NOW)


@pytest.mark.parametrize("purpose", LinkPurpose)
def test_a_link_permits_what_its_purpose_needs_and_nothing_else(purpose: LinkPurpose) -> None:
    """Whatever role its holder has: a link of an admin permits no more than a link."""
    scopes = LINK_SCOPES[purpose]
    assert scopes, "a link without a use"
    caller = Caller(new_id(), Role.ADMIN, scopes=scopes, link=purpose)
    assert caller.via == f"link:{purpose}"
    for operation in ACCESS:
        if operation in scopes:
            permit(caller, operation)
        else:
            with pytest.raises(Forbidden, match="link"):
                permit(caller, operation)
