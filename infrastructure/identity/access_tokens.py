"""Access tokens (RFC 9068): short-lived, signed and verified by Daybook alone, once a process each."""

import hashlib
import secrets
import time
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Protocol
from uuid import UUID

import jwt
from jwt.types import Options

from application.access import Caller, Role
from application.identity.access_token import IssuedToken
from domain.errors import Unauthenticated
from domain.people.account import Account

ALGORITHM = "HS256"
"""The default; HS384 and HS512 need longer keys."""
TYPE = "at+jwt"
ISSUER = AUDIENCE = "daybook"
LIFETIME = timedelta(minutes=10)
SKEW = 300  # seconds by which the issuer's clock may be ahead
REMEMBERED = 10_000  # tokens
_OPTIONS: Options = {
    "require": ["exp", "iat", "nbf", "sub", "aud", "iss", "jti"],
    # Both are the database's time, which may be ahead of this machine's: checked below, with SKEW.
    "verify_iat": False,
    "verify_nbf": False,
}


class RevocationCheck(Protocol):
    """The tokens that are revoked before they expire."""

    def is_revoked(self, account: UUID, session: UUID | None, seen: int | None, issued_at: float) -> bool:
        """Raises Unavailable while the revoked tokens are unknown."""
        ...


class _Known(NamedTuple):
    """A verified token: its expiry and caller, and the account stream whose events may revoke it."""

    until: float
    caller: Caller
    stream: UUID
    seen: int | None
    issued_at: float


_EXPIRED = "The access token has expired. Exchange your refresh token at /v1/auth/refresh."


class AccessTokens:
    """Signs and verifies access tokens. `secret` signs, `previous` is still accepted.

    `algorithm`: HS256, HS384 or HS512, for signing, and the only one accepted; a key is as long as its hash or longer.
    `longest`: a token with a longer lifetime is refused. Without `revocation`, tokens are valid until they expire.
    """

    def __init__(
        self,
        secret: str,
        previous: str | None = None,
        *,
        algorithm: str = ALGORITHM,
        revocation: RevocationCheck | None = None,
        longest: timedelta | None = None,
    ) -> None:
        self._secret = secret.encode()
        self._algorithm = algorithm
        self._kid = key_id(secret)
        self._keys = {key_id(each): each.encode() for each in (previous, secret) if each}
        self._revocation = revocation
        self._longest = longest
        self._known: dict[str, _Known] = {}

    def issue(self, account: UUID, role: Role, lifetime: timedelta = LIFETIME) -> str:
        """A token for the account, valid for `lifetime` from now."""
        return self._sign(account, role, time.time(), lifetime)

    def grant(self, account: UUID, role: Role, session: UUID, now: datetime, seen: int) -> IssuedToken:
        token = self._sign(account, role, now.timestamp(), LIFETIME, sid=str(session), pos=seen)
        return IssuedToken(token, int(LIFETIME.total_seconds()))

    def _sign(self, account: UUID, role: Role, now: float, lifetime: timedelta, **more: Any) -> str:
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": str(account),
            "role": str(role),
            "iat": round(now, 6),
            "nbf": int(now),
            "exp": int(now + lifetime.total_seconds()),
            "jti": secrets.token_urlsafe(12),
            **more,
        }
        return jwt.encode(claims, self._secret, self._algorithm, headers={"typ": TYPE, "kid": self._kid})

    def verify(self, token: str) -> Caller:
        """The caller; raises Unauthenticated for a token that is forged, expired or revoked."""
        known = self._known.get(token)
        if known is None:
            known = self._read(token)
            while len(self._known) >= REMEMBERED:  # evict the oldest
                del self._known[next(iter(self._known))]
            self._known[token] = known
        if time.time() >= known.until:
            self._known.pop(token, None)
            raise Unauthenticated(_EXPIRED)
        revocation, caller = self._revocation, known.caller
        if revocation is not None and revocation.is_revoked(known.stream, caller.session, known.seen, known.issued_at):
            raise Unauthenticated("The token was revoked.")
        return caller

    def _read(self, token: str) -> _Known:
        try:
            header = jwt.get_unverified_header(token)
            if str(header.get("typ", "")).lower() != TYPE:
                raise Unauthenticated("This is not an access token.")
            claims = jwt.decode(
                token,
                self._keys[header["kid"]],
                algorithms=[self._algorithm],
                audience=AUDIENCE,
                issuer=ISSUER,
                options=_OPTIONS,
            )
            return self._claimed(claims)
        except jwt.ExpiredSignatureError as expired:  # raised only after the signature was verified
            raise Unauthenticated(_EXPIRED) from expired
        except (jwt.PyJWTError, KeyError, ValueError, AttributeError, TypeError, OverflowError) as refused:
            raise Unauthenticated("The access token is not valid.") from refused

    def _claimed(self, claims: dict[str, Any]) -> _Known:
        role, issued_at, until = Role(claims["role"]), float(claims["iat"]), float(claims["exp"])
        if role is Role.ANONYMOUS:
            raise Unauthenticated("The token names no role.")
        if not max(issued_at, float(claims["nbf"])) <= time.time() + SKEW:
            raise Unauthenticated("The token is not valid yet.")
        if self._longest is not None and until - issued_at > self._longest.total_seconds():
            raise Unauthenticated("The token lives too long.")
        session = UUID(claims["sid"]) if "sid" in claims else None
        seen = int(claims["pos"]) if "pos" in claims else None
        caller = Caller(UUID(claims["sub"]), role, session=session)
        return _Known(until, caller, Account.id_of(caller.account), seen, issued_at)


def key_id(secret: str) -> str:
    """Names the signing key without revealing it."""
    return hashlib.sha256(b"kid:" + secret.encode()).hexdigest()[:16]
