"""E-mail addresses: which ones mail can go to, how they travel, and when two of them are one."""

import idna
from email_validator import EmailNotValidError, validate_email

_ASCII_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


class NotDeliverable(ValueError):
    """Mail servers do not accept this address; the message says what to do."""


def deliverable(address: str) -> str:
    """The address itself, as it was written. Raises NotDeliverable.

    The part before the @ must be ASCII: other addresses work only where every mail server on the way allows them.
    """
    in_ascii(address)
    return address


def in_ascii(address: str) -> str:
    """A deliverable address as it travels: its domain as A-labels (IDNA 2008). Raises NotDeliverable."""
    try:
        valid = validate_email(address, check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError:
        if not address.rpartition("@")[0].isascii():
            raise NotDeliverable("Use ASCII characters alone before the `@`.") from None
        raise NotDeliverable("Not an e-mail address that mail servers accept.") from None
    assert valid.ascii_email is not None
    return valid.ascii_email


def mailbox_of(address: str) -> str:
    """One spelling for all addresses whose mail reaches the same box, and for no others.

    Two addresses are one if their domains have the same A-labels, and their local parts the same ASCII letters but for
    capitals. The domain is written in U-labels, one for each A-label, as release 0.1.0 wrote it.
    """
    local, at, domain = address.strip().rpartition("@")
    try:
        domain = idna.decode(idna.encode(domain, uts46=True))
    except idna.IDNAError:
        domain = domain.translate(_ASCII_LOWER)
    return f"{local.translate(_ASCII_LOWER)}{at}{domain}"


def masked(email: str) -> str:
    """The address as its owner recognizes it, and nobody else learns it: a***@example.org."""
    local, _, domain = email.rpartition("@")
    return f"{local[:1]}***@{domain}"
