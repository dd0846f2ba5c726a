"""One-time codes by time (RFC 6238), as apps on telephones show them."""

import hmac
from datetime import datetime

import pyotp

ISSUER = "Daybook"
_WINDOW = (0, -1, 1)  # steps of 30 s: clocks differ, and people are slow


class TotpCodes:
    """application.ports.Codes."""

    def new_secret(self) -> str:
        """See the port."""
        return pyotp.random_base32()

    def uri(self, secret: str, name: str) -> str:
        """See the port."""
        return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=ISSUER)

    def step(self, secret: str, code: str, now: datetime) -> int | None:
        """See the port."""
        totp = pyotp.TOTP(secret)
        present = totp.timecode(now)
        given = code.encode("utf-8", "replace")
        for step in (present + each for each in _WINDOW):
            if hmac.compare_digest(totp.generate_otp(step).encode(), given):
                return step
        return None
