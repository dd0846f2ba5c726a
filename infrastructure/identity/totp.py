"""Time-based one-time codes (RFC 6238), as authenticator apps show them."""

import hmac
from datetime import datetime

import pyotp

ISSUER = "Daybook"
_WINDOW = (0, -1, 1)  # steps of 30 s: clocks differ, and typing takes time


class TotpCodes:
    """Six digits, a new code every 30 seconds."""

    def new_secret(self) -> str:
        return pyotp.random_base32()

    def uri(self, secret: str, name: str) -> str:
        return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=ISSUER)

    def step(self, secret: str, code: str, now: datetime) -> int | None:
        totp = pyotp.TOTP(secret)
        present = totp.timecode(now)
        given = code.encode("utf-8", "replace")
        for step in (present + each for each in _WINDOW):
            if hmac.compare_digest(totp.generate_otp(step).encode(), given):
                return step
        return None
