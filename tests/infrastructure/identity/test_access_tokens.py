"""Access tokens: ours are believed, anything else is not."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from string import ascii_letters
from typing import Any
from uuid import UUID

import jwt
import pytest

from application.access import Role
from application.event_log import Unavailable
from domain.errors import Unauthenticated
from domain.kernel import new_id
from domain.people.account import Account
from infrastructure.identity.access_tokens import AUDIENCE, ISSUER, TYPE, AccessTokens, key_id
from infrastructure.settings import SAMPLE_SECRET_KEY

SECRET = "a secret of the tests, long enough to sign with"
OTHER = "another secret of the tests, as long as the first"


def claims(**changes: Any) -> dict[str, Any]:
    """Those of a good token; None leaves one out."""
    now = time.time()
    good = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": str(new_id()),
        "role": "customer",
        "iat": now,
        "nbf": int(now),
        "exp": int(now) + 600,
        "jti": "once",
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def forged(secret: str = SECRET, algorithm: str = "HS256", headers: Any = None, **changes: Any) -> str:
    told = {"typ": TYPE, "kid": key_id(SECRET)} | (headers or {})
    if told["kid"] is None:
        del told["kid"]
    return jwt.encode(claims(**changes), secret, algorithm, headers=told)


def bad_tokens() -> Iterator[Any]:
    for name in ("exp", "iat", "nbf", "sub", "aud", "iss", "jti", "role"):
        yield pytest.param(forged(**{name: None}), id=f"without {name}")
    yield pytest.param(forged(exp=int(time.time()) - 1), id="expired")
    yield pytest.param(forged(nbf=int(time.time()) + 3_600), id="not yet")
    yield pytest.param(forged(iat=time.time() + 3_600), id="from the future")
    yield pytest.param(forged(aud="elsewhere"), id="of another audience")
    yield pytest.param(forged(iss="elsewhere"), id="of another issuer")
    yield pytest.param(forged(role="anonymous"), id="of nobody")
    yield pytest.param(forged(role="root"), id="of an unknown role")
    yield pytest.param(forged(sub="me"), id="of no account")
    yield pytest.param(forged(sid="mine"), id="of no session")
    yield pytest.param(forged(headers={"typ": "JWT"}), id="of another type")
    yield pytest.param(forged(headers={"typ": None}), id="of no type")
    yield pytest.param(forged(headers={"kid": key_id(OTHER)}), id="of an unknown key")
    yield pytest.param(forged(headers={"kid": "../../etc/passwd"}), id="of a path for a key")
    yield pytest.param(forged(headers={"kid": None}), id="of no key")
    yield pytest.param(forged(OTHER), id="signed with another key")
    yield pytest.param(forged(SAMPLE_SECRET_KEY), id="signed with the sample key")
    yield pytest.param(
        forged(SAMPLE_SECRET_KEY, headers={"kid": key_id(SAMPLE_SECRET_KEY)}), id="with the sample key's name"
    )
    yield pytest.param(forged("", "none"), id="not signed")
    yield pytest.param(forged(SECRET * 2, "HS512"), id="by another algorithm")
    yield pytest.param(forged()[:-3], id="cut")
    yield pytest.param("", id="empty")
    yield pytest.param("a.b.c", id="no token")


@pytest.mark.parametrize("token", list(bad_tokens()))
def test_what_is_not_ours_is_not_believed(token: str):
    tokens = AccessTokens(SECRET)
    for _ in range(2):  # nor the second time
        with pytest.raises(Unauthenticated):
            tokens.verify(token)


def test_the_forger_of_these_tests_can_make_good_ones():
    assert AccessTokens(SECRET).verify(forged()).role is Role.CUSTOMER


def test_every_character_of_a_token_counts():
    """Of a signature, base64 passes over its last bits, and over characters that it does not know."""
    tokens, token = AccessTokens(SECRET), forged()
    tokens.verify(token)
    for at in range(len(token)):
        for other in {*ascii_letters, *"!=. "} - {token[at]} if at in (0, len(token) - 1) else {*"A!=. "} - {token[at]}:
            for changed in (token[:at] + other + token[at + 1 :], token[:at] + other + token[at:]):
                with pytest.raises(Unauthenticated):
                    tokens.verify(changed)


def test_a_token_says_who_bears_it_and_by_which_session():
    tokens, account, session = AccessTokens(SECRET), new_id(), new_id()
    granted = tokens.grant(account, Role.ADMIN, session, datetime.now(UTC), 7)
    caller = AccessTokens(SECRET).verify(granted.token)
    assert (caller.id, caller.role, caller.session) == (account, Role.ADMIN, session)
    assert granted.expires_in == 600
    assert tokens.verify(tokens.issue(account, Role.ADMIN)).session is None


def test_a_token_says_when_it_was_issued_to_the_microsecond():
    now = datetime(2030, 1, 1, 12, 0, 0, 123_456, UTC)
    token = AccessTokens(SECRET).grant(new_id(), Role.CUSTOMER, new_id(), now, 7).token
    told = jwt.decode(token, options={"verify_signature": False})
    assert told["iat"] == now.timestamp()


def test_the_previous_key_is_believed_and_signs_no_more():
    before, account = AccessTokens(OTHER), new_id()
    tokens = AccessTokens(SECRET, OTHER)
    assert tokens.verify(before.issue(account, Role.CUSTOMER)).id == account
    assert AccessTokens(SECRET).verify(tokens.issue(account, Role.CUSTOMER)).id == account
    with pytest.raises(Unauthenticated):
        AccessTokens(SECRET).verify(before.issue(account, Role.CUSTOMER))


def test_a_remembered_token_runs_out_as_well(monkeypatch: pytest.MonkeyPatch):
    tokens = AccessTokens(SECRET)
    token = tokens.issue(new_id(), Role.CUSTOMER, timedelta(seconds=60))
    tokens.verify(token)
    later = time.time() + 61
    monkeypatch.setattr(time, "time", lambda: later)
    with pytest.raises(Unauthenticated):
        tokens.verify(token)


def test_where_it_is_strict_no_token_lives_longer_than_ten_minutes():
    tokens = AccessTokens(SECRET, longest=timedelta(minutes=10))
    with pytest.raises(Unauthenticated):
        tokens.verify(AccessTokens(SECRET).issue(new_id(), Role.ADMIN, timedelta(hours=1)))
    tokens.verify(tokens.issue(new_id(), Role.ADMIN))
    tokens.verify(tokens.grant(new_id(), Role.ADMIN, new_id(), datetime.now(UTC), 1).token)


class Void:
    """Everything is void, or nobody can say."""

    def __init__(self, error: Exception | None = None) -> None:
        self.asked: list[tuple[UUID, UUID | None, int | None, float]] = []
        self._error = error

    def is_revoked(self, account: UUID, session: UUID | None, seen: int | None, issued_at: float) -> bool:
        self.asked.append((account, session, seen, issued_at))
        if self._error is not None:
            raise self._error
        return True


def test_standing_is_asked_each_time_about_the_accounts_stream():
    void, account, session = Void(), new_id(), new_id()
    tokens, now = AccessTokens(SECRET, revocation=void), datetime.now(UTC)
    granted = tokens.grant(account, Role.CUSTOMER, session, now, 7)
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            tokens.verify(granted.token)
    assert void.asked == [(Account.id_of(account), session, 7, now.timestamp())] * 2


def test_while_nobody_can_say_no_token_counts():
    tokens = AccessTokens(SECRET, revocation=Void(Unavailable("not now")))
    with pytest.raises(Unavailable):
        tokens.verify(tokens.issue(new_id(), Role.CUSTOMER))


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_the_algorithm_of_the_settings_signs_and_is_the_only_one_accepted(algorithm: str) -> None:
    secret = "k" * 64
    token = AccessTokens(secret, algorithm=algorithm).issue(new_id(), Role.CUSTOMER)
    assert jwt.get_unverified_header(token)["alg"] == algorithm
    for other in ("HS256", "HS384", "HS512"):
        tokens = AccessTokens(secret, algorithm=other)
        if other == algorithm:
            assert tokens.verify(token).role is Role.CUSTOMER
        else:
            with pytest.raises(Unauthenticated):
                tokens.verify(token)
