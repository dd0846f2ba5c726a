"""Time-based one-time codes (RFC 6238), as authenticator apps show them."""

import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime

import pyotp

ISSUER = "Daybook"
_WINDOW = (0, -1, 1)  # steps of 30 s: clocks differ, and typing takes time


RECOVERY_CODES = 10
_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # none that is easily taken for another


class TotpCodes:
    """Six digits, a new code every 30 seconds."""

    def new_secret(self) -> str:
        return pyotp.random_base32()

    def recovery_codes(self) -> Sequence[str]:
        return ["-".join(_letters() for _ in range(4)) for _ in range(RECOVERY_CODES)]

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


def _letters() -> str:
    """A quarter of a recovery code: 20 random bits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(4))
