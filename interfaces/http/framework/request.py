"""The context of one request: its caller, what they may do, and what they sent in headers."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel
from starlette.types import Receive, Scope

from application.access import ANONYMOUS, Caller, Role, permit
from application.access import Scope as Granted
from application.event_log import IdempotencyKey
from application.identity.api_key import PREFIX
from application.view_log import PersonView
from domain.kernel import derived_id, new_id
from interfaces.http.framework.headers import request_headers
from interfaces.http.framework.headers.etags import expected
from interfaces.http.framework.ports import Ports
from projections.query.ownership import Owner
from projections.query.shared_transaction import SharedTransaction
from projections.query.snapshot import EVERYTHING, Everything, Snapshot, Snapshots

SIGN_IN = "sign_in"


class RequestContext(Request):
    """One request of a caller who has the operation's permission.

    Raises Unauthenticated, Forbidden or Malformed before path, query or body are read.
    """

    def __init__(self, scope: Scope, receive: Receive, operation: str, *, caller: Caller | None = None) -> None:
        """`caller`: of a request that the admin panel makes for a person who is signed in there."""
        super().__init__(scope, receive)
        self.operation = operation
        self.ports: Ports = scope["app"].state.ports
        self.sent = request_headers.read_headers(scope)
        self.key: IdempotencyKey | None = None
        self.version: int | None = None
        self._persons: set[UUID] = set()
        scope["operation"] = operation
        self.api_key: str | None = None
        """Sent in place of an access token; `admit_api_key` finds its account."""
        if caller is not None:
            self._admit(caller)
            return
        token = request_headers.bearer_token(self.sent, client=operation == SIGN_IN)
        self.api_key = token if token is not None and token.startswith(PREFIX) else None
        self.credential = token or ""
        """The access token or API key, which a stream checks again while it lasts."""
        if self.api_key is None:
            self._admit(ANONYMOUS if token is None else self.ports.identity.tokens.verify(token))

    def _admit(self, caller: Caller) -> None:
        self.scope["caller"] = self.caller = caller
        self.granted = permit(caller, self.operation)

    async def admit_api_key(self) -> None:
        """Act for the account of the API key, if one was sent. Raises Unauthenticated, Forbidden."""
        if self.api_key is not None:
            self._admit(await self.ports.identity.holders.holder(self.api_key))

    @property
    def network(self) -> str:
        """The client's network address."""
        return self.ports.abuse.networks.of(self.scope)

    @property
    def client_text(self) -> str:
        """The name that the caller's program gives itself."""
        return request_headers.client_text(self.scope)

    @property
    def of(self) -> UUID | None:
        """The account whose rows a query may show; None for the rows of all accounts."""
        return self.caller.account if self.granted is Granted.OWN else None

    @property
    def owner(self) -> Owner | None:
        """The owner of the rows that a query may show: the caller, or None for everybody's rows."""
        return None if self.of is None else Owner(self.of, acts=self.caller.role is Role.PROVIDER)

    @property
    def sees(self) -> UUID | Everything | None:
        """The account that the database's row security is told of."""
        return EVERYTHING if self.granted is Granted.ANY and self.caller.id else self.caller.id

    @property
    def reads(self) -> Snapshots | SharedTransaction:
        """The read models; within a page of the admin panel, in the transaction of that page."""
        found: Snapshots | SharedTransaction = self.scope.get("reads") or self.ports.reads
        return found

    @asynccontextmanager
    async def snapshot(self, reader: str) -> AsyncIterator[Snapshot]:
        """A snapshot of a read model for this caller, that includes `Daybook-Position` and the caller's last write."""
        async with self.reads.open(reader, await self.reflecting(reader), sees=self.sees) as read:
            yield read

    async def reflecting(self, reader: str) -> int | None:
        """The position that an answer must include: Daybook-Position, or the caller's last write if that is later.

        The last write counts only if the read model shows it within a second: an old answer is better than none.
        """
        asked, own = self.at_least, self.ports.writes.of(self.caller.id)
        if own is None or (asked is not None and asked >= own):
            return asked
        return own if await self.ports.reads.catch_up(reader, own) else asked

    def shows(self, person: UUID | None) -> None:
        """The answer is the card of this person, of whom the views log notes who opened it. None: of nobody.

        Nobody views themselves, and customers and callers without an account see nobody else.
        """
        nobody_else = self.caller.role in {Role.CUSTOMER, Role.ANONYMOUS}
        if person is not None and person != self.caller.id and not nobody_else:
            self._persons.add(person)

    async def record_views(self) -> None:
        """Record whose cards the answer shows, before anybody sees it. Raises Unavailable."""
        for person in sorted(self._persons):
            await self.record_view(person, self.operation)

    async def record_view(self, person: UUID, operation: str) -> None:
        """Record that the caller opens what is this person's. Raises Unavailable."""
        facts = {"role": str(self.caller.role), "via": self.caller.via, "request": self.scope["request_id"]}
        await self.ports.views.record(PersonView(self.caller.account, person, operation, facts))

    def leave(self) -> None:
        """Count no more among the requests in flight: what follows waits long, and for nothing that others wait for."""
        leave: Callable[[], None] | None = self.scope.get("leave")
        if leave is not None:
            leave()

    def note_write(self, account: UUID | None, position: int | None) -> None:
        """The account's next answers include what was written at this position."""
        if account is not None and position is not None:
            self.ports.writes.note(account, position)

    @property
    def at_least(self) -> int | None:
        """The position to wait for (Daybook-Position)."""
        return request_headers.position(self.sent)

    def check_position(self) -> None:
        """Raise Malformed for a Daybook-Position that is no position, even if the handler never waits for one."""
        request_headers.position(self.sent)

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
        self.version = expected(self.sent, required=required)

    def take_key(self, body: BaseModel | None, *, required: bool) -> None:
        """Read Idempotency-Key; raises KeyMissing or Malformed."""
        if required:
            request_headers.require_idempotency_key(self.sent)
        if b"idempotency-key" in self.sent:
            self.key = request_headers.idempotency_key(self.scope, self.sent, self.caller.account, body)

    async def address_of(self, email: str | None) -> UUID | None:
        """The stream of an e-mail address; None for none."""
        return None if email is None else await self.ports.store.address_id(email)

    def fresh_id(self) -> UUID:
        """A new id; with an Idempotency-Key, the same one each time the request is sent."""
        return derived_id("key", self.key.value.hex()) if self.key else new_id()
