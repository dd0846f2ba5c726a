"""Access tokens (RFC 9068): short-lived, signed by us for us, and checked once a process."""

import secrets
import time
from datetime import timedelta
from uuid import UUID

import jwt

from application.access import Caller, Role
from domain.errors import Unauthenticated

ALGORITHM = "HS256"
TYPE = "at+jwt"
ISSUER = AUDIENCE = "daybook"
LIFETIME = timedelta(minutes=10)
REMEMBERED = 10_000  # tokens
_REQUIRED = ["exp", "iat", "nbf", "sub", "aud", "iss", "jti"]


class Tokens:
    """Issues and verifies access tokens. `secret`: 32 bytes at least."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()
        self._known: dict[str, tuple[float, Caller]] = {}

    def issue(self, account: UUID, role: Role, lifetime: timedelta = LIFETIME) -> str:
        """A token that says who its bearer is until `lifetime` from now."""
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(account),
            "role": str(role),
            "iat": now,
            "nbf": now,
            "exp": now + int(lifetime.total_seconds()),
            "jti": secrets.token_urlsafe(12),
        }
        return jwt.encode(claims, self._secret, ALGORITHM, headers={"typ": TYPE})

    def verify(self, token: str) -> Caller:
        """Who bears it; raises Unauthenticated for a token that is not ours, or no longer."""
        known = self._known.get(token)
        if known is not None and time.time() < known[0]:
            return known[1]
        until, caller = self._read(token)
        while len(self._known) >= REMEMBERED:  # the oldest leaves first
            del self._known[next(iter(self._known))]
        self._known[token] = until, caller
        return caller

    def _read(self, token: str) -> tuple[float, Caller]:
        try:
            read = jwt.decode_complete(
                token,
                self._secret,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=ISSUER,
                options={"require": _REQUIRED},
            )
            claims = read["payload"]
            if str(read["header"].get("typ", "")).lower() != TYPE:
                raise Unauthenticated("This is not an access token.")
            role = Role(claims["role"])
            if role is Role.ANONYMOUS:
                raise Unauthenticated("The token names no role.")
            return float(claims["exp"]), Caller(UUID(claims["sub"]), role)
        except (jwt.PyJWTError, KeyError, ValueError, AttributeError, TypeError, OverflowError) as refused:
            raise Unauthenticated("The token is not valid, or no longer.") from refused
