"""The links of mails: the one place that makes them, and that reads what a link permits.

A link to an appointment, an offer or a webhook is a capability: signed, about one subject, for one purpose, of the
mailbox that the mail went to, and limited in time. No row is kept of it.
"""

import hmac
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from application.access import LinkPurpose
from application.notifications.recipient import Recipient
from application.people.email_address import mailbox_of
from domain.errors import Gone

KEY = "links"
"""The name of the secret that signs links."""
AFTERWARDS = timedelta(days=7)
"""How long a link shows what has become of its subject."""
LASTING = timedelta(days=30)
"""The life of a link whose subject has no time of its own."""
PATHS: Mapping[LinkPurpose, str] = {
    LinkPurpose.APPOINTMENT: "appointments",
    LinkPurpose.STAFF: "appointments",
    LinkPurpose.OFFER: "waitlist",
    LinkPurpose.WEBHOOK: "webhooks",
    LinkPurpose.MAILS: "mails",
    LinkPurpose.INVITATION: "invitations",
    LinkPurpose.NOTIFICATIONS: "notifications",
}
CODE_PATHS: Mapping[str, str] = {"verify": "verify", "new-address": "verify", "reset": "reset", "invited": "reset"}
"""The pages of the account mails that carry a code."""
TOKEN = re.compile(r"[?&]t=([A-Za-z0-9_-]+)")
_PURPOSES = list(LinkPurpose)
_MAILBOX, _MAC, _TIME = 16, 32, 5  # bytes
_LENGTH = 1 + _TIME + _MAILBOX + _MAC


class LinkVoid(Gone):
    """This link is not valid, or not any more."""


class LinkExpired(LinkVoid):
    """This link has expired."""


@dataclass(frozen=True, slots=True)
class Capability:
    """What a link permits: its purpose, for one subject. `mailbox`: a keyed hash of where the mail went."""

    purpose: LinkPurpose
    subject: UUID
    mailbox: bytes


def code_link(public_url: str, kind: str, code: str, language: str) -> str:
    """The link of an account mail of this kind, with its code in the query, which no log of Daybook has."""
    return f"{public_url.rstrip('/')}/{CODE_PATHS[kind]}?code={code}&lang={language}"


class Links:
    """Makes and reads signed links. `public_url`: their base; `key`: a secret of all processes."""

    def __init__(self, public_url: str, key: bytes) -> None:
        self.public_url = public_url.rstrip("/")
        self._key = key

    def plain(self, purpose: LinkPurpose, subject: UUID) -> str:
        """The address of the page, without a capability: for what is shared, such as calendar entries."""
        return f"{self.public_url}/{PATHS[purpose]}/{subject}"

    def signed(self, purpose: LinkPurpose, subject: UUID, email: str, until: datetime, language: str) -> str:
        """The link to send to this address, valid before `until`."""
        token = self._token(purpose, subject, self._mailbox(email), until)
        return f"{self.plain(purpose, subject)}?t={token}&lang={language}"

    def stopping(self, setting: str, to: Recipient, until: datetime, language: str) -> str:
        """The link that switches off this setting of an account's notifications; empty for who has no account."""
        if to.account_id is None:
            return ""
        purpose = LinkPurpose.NOTIFICATIONS
        return f"{self.signed(purpose, to.account_id, to.email or '', until, language)}&setting={setting}"

    def open(self, token: str, subject: UUID, now: datetime) -> Capability:
        """What the link about this subject permits. Raises LinkVoid for a forged one, LinkExpired."""
        raw = _decoded(token)
        if not hmac.compare_digest(raw[-_MAC:], self._mac(raw[:-_MAC], subject)):
            raise LinkVoid
        if int.from_bytes(raw[1 : 1 + _TIME]) <= int(now.timestamp()):
            raise LinkExpired
        return Capability(_PURPOSES[raw[0]], subject, raw[1 + _TIME : -_MAC])

    def is_of(self, capability: Capability, email: str | None) -> bool:
        """Whether the link went to this address: a change of the address voids it."""
        return email is not None and hmac.compare_digest(capability.mailbox, self._mailbox(email))

    def _token(self, purpose: LinkPurpose, subject: UUID, mailbox: bytes, until: datetime) -> str:
        expiry = int(until.astimezone(UTC).timestamp()).to_bytes(_TIME)
        said = bytes([_PURPOSES.index(purpose)]) + expiry + mailbox
        return urlsafe_b64encode(said + self._mac(said, subject)).decode().rstrip("=")

    def _mac(self, said: bytes, subject: UUID) -> bytes:
        return hmac.digest(self._key, b"link:" + subject.bytes + said, "sha256")

    def _mailbox(self, email: str) -> bytes:
        box = mailbox_of(email).encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, b"mailbox:" + box, "sha256")[:_MAILBOX]


def _decoded(token: str) -> bytes:
    """The bytes of a token in its one spelling; raises LinkVoid."""
    try:
        raw = urlsafe_b64decode(token[: 2 * _LENGTH] + "=" * (-len(token) % 4))
    except ValueError:
        raise LinkVoid from None
    if len(raw) != _LENGTH or urlsafe_b64encode(raw).decode().rstrip("=") != token:
        raise LinkVoid
    return raw
