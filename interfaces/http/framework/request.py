"""What a handler is given: who asks, under which key, on which version, as of which position; the ports."""

import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel
from starlette.types import Receive, Scope

from application.access import ANONYMOUS, Caller, Role, permit
from application.access import Scope as Granted
from application.errands import Errands
from application.event_log import EventStore, IdempotencyKey
from application.identity.api_key import PREFIX, ApiKeyHolders
from application.identity.credentials import Credentials, Passwords
from application.identity.one_time_tokens import Verifications
from application.identity.session import Signing
from application.identity.sessions import Sessions
from application.ledger import Ledger
from application.notifications.mail import SentMails
from application.people.erasure import ErasureServices
from application.rate_limit import RateLimits
from application.webhooks.ports import DeliveryReports, SigningSecrets
from domain.errors import Unauthenticated
from domain.kernel import derived_id, new_id
from interfaces.http.framework.client_address import Networks
from interfaces.http.framework.cursors import Cursors
from interfaces.http.framework.etags import LARGEST, expected
from interfaces.http.framework.request_errors import KeyMissing, Malformed
from projections.availability.queries import Availability
from projections.engine.event_feed import EventDecoder
from projections.query.ownership import Owner
from projections.query.snapshot import EVERYTHING, Everything, Snapshot, Snapshots

_KEY = re.compile(rb"[\x21-\x7e]{1,255}")
LONGEST_CLIENT = 200  # bytes
_POSITION = re.compile(rb"[0-9]{1,19}")
_ONCE = frozenset(
    {
        b"authorization",
        b"content-length",
        b"content-type",
        b"daybook-position",
        b"idempotency-key",
        b"if-match",
        b"if-none-match",
    }
)


class TokenVerifier(Protocol):
    """Access tokens."""

    def verify(self, token: str) -> Caller:
        """Who bears it; raises Unauthenticated."""
        ...


class DeniedRequests(Protocol):
    """What was denied, on its way to the security log."""

    def note(self, kind: str, account_id: UUID | None, network: str, operation: str) -> None:
        """Returns at once."""
        ...


Check = Callable[[], Awaitable[Mapping[str, Any]]]
"""Facts of a part of the installation; raises when that part is not well."""


@dataclass(frozen=True, slots=True)
class WebhookPorts:
    """What the door needs of webhooks. `plain`: whether they may go to http."""

    standings: DeliveryReports
    secrets: SigningSecrets
    plain: bool = False


@dataclass(slots=True)
class Ports:
    """What the door needs from outside. `vital` checks fail readiness, `useful` ones are only told."""

    store: EventStore
    reads: Snapshots
    availability: Availability
    tokens: TokenVerifier
    cursors: Cursors
    codec: EventDecoder
    ledger: Ledger
    vital: Mapping[str, Check] = field(default_factory=dict)
    useful: Mapping[str, Check] = field(default_factory=dict)
    draining: bool = False
    passwords: Passwords = field(kw_only=True)
    credentials: Credentials = field(kw_only=True)
    sessions: Sessions = field(kw_only=True)
    verifications: Verifications = field(kw_only=True)
    errands: Errands = field(kw_only=True)
    mails: SentMails = field(kw_only=True)
    oblivion: ErasureServices = field(kw_only=True)
    retry_job: Callable[[UUID], Awaitable[bool]] = field(kw_only=True)
    cooling_off: timedelta = timedelta(days=7)
    signing: Signing | None = None
    holders: ApiKeyHolders | None = None
    limits: RateLimits | None = None
    denials: DeniedRequests | None = None
    networks: Networks = field(default_factory=Networks)
    hooks: WebhookPorts | None = None


class RequestContext(Request):
    """One request of a caller who may make it.

    Raises Unauthenticated, Forbidden or Malformed before anybody looks at path, query or body.
    """

    def __init__(self, scope: Scope, receive: Receive, operation: str) -> None:
        super().__init__(scope, receive)
        self.operation = operation
        self.ports: Ports = scope["app"].state.ports
        self.given = _given(scope)
        self.key: IdempotencyKey | None = None
        self.version: int | None = None
        scope["operation"] = operation
        token = _bearer(self.given)
        self.api_key = token if token is not None and token.startswith(PREFIX) else None
        """Shown in place of a token: whose it is has yet to be asked, by `admit_key`."""
        if self.api_key is None:
            self._admit(ANONYMOUS if token is None else self.ports.tokens.verify(token))

    def _admit(self, caller: Caller) -> None:
        self.scope["caller"] = self.caller = caller
        self.granted = permit(caller, self.operation)

    async def admit_key(self) -> None:
        """Find out who holds the API key. Raises Unauthenticated, Forbidden."""
        if self.api_key is None or self.ports.holders is None:
            raise Unauthenticated("The token is not valid.")
        self._admit(await self.ports.holders.holder(self.api_key))

    @property
    def signing(self) -> Signing:
        assert self.ports.signing is not None
        return self.ports.signing

    @property
    def hooks(self) -> WebhookPorts:
        assert self.ports.hooks is not None
        return self.ports.hooks

    @property
    def network(self) -> str:
        """Where the caller is."""
        return self.ports.networks.of(self.scope)

    @property
    def client_text(self) -> str:
        """What the caller's program says of itself."""
        told = next((value for name, value in self.scope["headers"] if name == b"user-agent"), b"")
        said = told[:LONGEST_CLIENT].decode("latin-1")
        return "".join(each for each in said if each.isprintable())

    @property
    def of(self) -> UUID | None:
        """Whose things a query may show: the caller's account, or None for everybody's."""
        return self.caller.account if self.granted is Granted.OWN else None

    @property
    def owner(self) -> Owner | None:
        """The owner of the rows that a query may show: the caller, or None for everybody's rows."""
        return None if self.of is None else Owner(self.of, acts=self.caller.role is Role.PROVIDER)

    @property
    def sees(self) -> UUID | Everything | None:
        """To what the database holds the caller's looks."""
        return EVERYTHING if self.granted is Granted.ANY and self.caller.id else self.caller.id

    def look(self, reader: str) -> AbstractAsyncContextManager[Snapshot]:
        """A look at a read model for this caller, no older than what they have seen."""
        return self.ports.reads.open(reader, self.at_least, sees=self.sees)

    @property
    def at_least(self) -> int | None:
        """The position to wait for (Daybook-Position)."""
        told = self.given.get(b"daybook-position")
        if told is None:
            return None
        if not _POSITION.fullmatch(told) or int(told) > LARGEST:
            raise Malformed("Daybook-Position takes a position as it was answered.")
        return int(told)

    def command(self) -> dict[str, Any]:
        """The fields that every Command has."""
        return {
            "by": self.caller,
            "key": self.key,
            "version": self.version,
            "correlation": self.scope["request_id"],
        }

    def query(self) -> dict[str, Any]:
        """The fields that every Lookup has."""
        return {"by": self.caller, "correlation": self.scope["request_id"]}

    def take_version(self, *, required: bool) -> None:
        """Read If-Match; raises VersionMissing or Malformed."""
        self.version = expected(self.given, required=required)

    def take_key(self, body: BaseModel | None, *, required: bool) -> None:
        """Read Idempotency-Key, the caller's own word for this request; raises KeyMissing or Malformed."""
        told = self.given.get(b"idempotency-key")
        if told is None:
            if required:
                raise KeyMissing
            return
        if not _KEY.fullmatch(told):
            raise Malformed("Idempotency-Key takes 1 to 255 visible ASCII characters.")
        said = body.model_dump_json(exclude_unset=True).encode() if body is not None else b""
        what = f"{self.scope['method']} {self.scope['path']}\n".encode("utf-8", "backslashreplace")
        self.key = IdempotencyKey(
            value=hashlib.sha256(self.caller.account.bytes + told).digest(),
            fingerprint=hashlib.sha256(what + said).digest(),
        )

    async def address_of(self, email: str | None) -> UUID | None:
        """The stream of an e-mail address; None for none."""
        return None if email is None else await self.ports.store.address_id(email)

    def fresh_id(self) -> UUID:
        """An id for something new: with a key, the same one however often the request is made."""
        return derived_id("key", self.key.value.hex()) if self.key else new_id()


def _given(scope: Scope) -> Mapping[bytes, bytes]:
    """The headers that we read, each given once."""
    given: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        if name in _ONCE:
            if name in given:
                raise Malformed(f"{name.decode()} is given twice.")
            given[name] = value
    return given


def _bearer(given: Mapping[bytes, bytes]) -> str | None:
    told = given.get(b"authorization")
    if told is None:
        return None
    scheme, _, token = told.partition(b" ")
    if scheme.lower() != b"bearer":
        raise Unauthenticated("The Authorization header takes a Bearer token.")
    try:
        return token.strip().decode("ascii")
    except UnicodeDecodeError:
        raise Unauthenticated("The token is not valid.") from None
