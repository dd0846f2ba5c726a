"""One tail of the feed a process: reads each page once, renders each message once, for all followers."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import TracebackType
from typing import Protocol, TypeVar
from uuid import UUID

import psycopg
import structlog
from prometheus_client import Gauge
from sqlalchemy.exc import SQLAlchemyError

from application.access import Caller, Role
from application.event_log import Overloaded, Unavailable
from application.feed.event_stream import frame
from application.feed.ports import FeedMessage, FeedMessages, FeedSubscription, Follower, StreamedMessage
from domain.errors import Refusal
from infrastructure.feed.subscription import Subscription
from projections.engine.cancellation import check_cancelled
from projections.engine.positions import Positions
from projections.query.ownership import Owner
from projections.query.snapshot import EVERYTHING, Snapshot, Snapshots
from projections.read_models.feed import reading

READER = "feed"
STEP = 1_000  # positions of the log that one look covers
MOST = 5_000  # followers of one process
POLL = 1.0  # seconds between two looks without news
GATHER = 0.05  # seconds from news until they are read: a look costs the same for one event as for many
RIGHTS_EACH = 0.4  # seconds between two checks of tokens
PAUSE = 0.5  # seconds after a failure
PATIENCE = 5.0  # seconds until a new follower is refused

FOLLOWERS = Gauge("daybook_feed_followers", "Streams of the feed that are open", multiprocess_mode="livesum")

Concerned = Mapping[int, Collection[UUID]]
"""Position -> the scopes that its event concerns."""

K = TypeVar("K")
logger = structlog.get_logger(__name__)


class Rights(Protocol):
    """Checks credentials again."""

    async def caller(self, credential: str) -> Caller:
        """The caller; raises Unauthenticated, Forbidden or Unavailable for one that may not follow any more."""
        ...


class Tail:
    """Follows the feed inside `async with`. `position`: all followers have every message up to it, or in waiting."""

    def __init__(self, reads: Snapshots, positions: Positions, messages: FeedMessages, rights: Rights) -> None:
        self._reads, self._positions, self._messages, self._rights = reads, positions, messages, rights
        self.position = 0
        self._open: set[Subscription] = set()
        self._by_account: dict[UUID | None, set[Subscription]] = defaultdict(set)
        self._by_scope: dict[UUID, set[Subscription]] = defaultdict(set)
        self._everything: set[Subscription] = set()
        self._joining: list[tuple[Subscription, asyncio.Future[None]]] = []
        self._news = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._draining = False

    async def __aenter__(self) -> Tail:
        self._tasks = [asyncio.create_task(self._follow()), asyncio.create_task(self._check_rights())]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._draining = True
        for each in list(self._open):
            each.end("drain")
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for _, joined in self._joining:
            joined.cancel()

    async def subscribe(self, follower: Follower) -> Subscription:
        if len(self._open) + len(self._joining) >= MOST:
            raise Overloaded("Daybook has too many open streams. Try again.")
        if self._draining:
            raise Unavailable("This process is shutting down. Try again.")
        subscription = Subscription(follower, lambda: self.position)
        joined = asyncio.get_running_loop().create_future()
        self._joining.append((subscription, joined))
        self._news.set()
        try:
            async with asyncio.timeout(PATIENCE):
                await joined
        except TimeoutError:
            raise Unavailable("The feed cannot be read now. Try again.") from None
        return subscription

    def leave(self, subscription: FeedSubscription) -> None:
        assert isinstance(subscription, Subscription)
        self._open.discard(subscription)
        _discard(self._by_account, subscription.follower.caller.id, subscription)
        self._forget(subscription)
        FOLLOWERS.set(len(self._open))

    def _forget(self, subscription: Subscription) -> None:
        self._everything.discard(subscription)
        for scope in subscription.scopes:
            _discard(self._by_scope, scope, subscription)

    # The log

    async def _follow(self) -> None:
        while True:
            try:
                if not await self._look():
                    await self._wait()
                    await asyncio.sleep(0 if self._joining else GATHER)
            except (SQLAlchemyError, psycopg.Error, Unavailable, OSError) as error:
                check_cancelled()
                logger.warning("the feed is not read, retrying", outage="postgresql", error=str(error))
                await asyncio.sleep(PAUSE)

    async def _wait(self) -> None:
        """Wait for a follower, or for the read model to go on."""
        self._news.clear()
        if self._joining:
            return
        if not self._open:
            await self._news.wait()
            return
        moved = asyncio.ensure_future(self._positions.wait(READER, self.position + 1, POLL))
        asked = asyncio.ensure_future(self._news.wait())
        try:
            await asyncio.wait({moved, asked}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            moved.cancel()
            asked.cancel()

    async def _look(self) -> bool:
        """Read the next stretch of the feed, and admit followers after it; whether there is more."""
        joining = list(self._joining)
        async with self._reads.open(READER, sees=EVERYTHING) as read:
            if not self._open:
                self.position = max(read.position, self.position)  # nobody follows what lies between
            until = max(min(read.position, self.position + STEP), self.position)
            await self._reconsider(read)
            concerned, found = await self._found(read, until)
            for subscription, _ in joining:
                subscription.scopes = await self._scopes(read, subscription.follower)
        bodies = await self._messages.rendered([FeedMessage(*each) for each in found])
        self._tell([_streamed(each, bodies[each.position]) for each in found], concerned)
        self.position = until
        for pair in joining:
            self._joining.remove(pair)
            self._admit(*pair)
        return until < read.position

    async def _found(self, read: Snapshot, until: int) -> tuple[Concerned, Sequence[reading.ListedMessage]]:
        """The messages up to a position that somebody here follows, and whom they concern."""
        if until <= self.position:
            return {}, []
        concerned = await reading.concerned(read, self.position, until)
        wanted = [at for at, scopes in concerned.items() if self._among(scopes)]
        return concerned, await reading.messages(read, wanted) if wanted else []

    def _among(self, scopes: Iterable[UUID]) -> bool:
        return bool(self._everything) or any(scope in self._by_scope for scope in scopes)

    def _tell(self, messages: Sequence[StreamedMessage], concerned: Concerned) -> None:
        for message in messages:
            among = set(self._everything)
            for scope in concerned[message.position]:
                among |= self._by_scope.get(scope, set())
            for each in among:
                if not each.follower.types or message.type in each.follower.types:
                    each.put(message)

    def _admit(self, subscription: Subscription, joined: asyncio.Future[None]) -> None:
        if joined.done():
            return  # gave up meanwhile
        subscription.position = self.position
        self._open.add(subscription)
        self._by_account[subscription.follower.caller.id].add(subscription)
        self._remember(subscription)
        FOLLOWERS.set(len(self._open))
        joined.set_result(None)

    def _remember(self, subscription: Subscription) -> None:
        if subscription.follower.everything:
            self._everything.add(subscription)
        for scope in subscription.scopes:
            self._by_scope[scope].add(subscription)

    # Rights

    async def _scopes(self, read: Snapshot, follower: Follower) -> frozenset[UUID]:
        if follower.everything:
            return frozenset()
        caller = follower.caller
        return await reading.scopes_of(read, Owner(caller.account, caller.role is Role.PROVIDER))

    async def _reconsider(self, read: Snapshot) -> None:
        """Followers who have lost a scope are ended before they are told anything more; others gain theirs."""
        if read.position <= self.position:
            return
        changed = await reading.changed_accounts(read, self.position)
        for each in [each for account in changed for each in self._by_account.get(account, ())]:
            scopes = await self._scopes(read, each.follower)
            self._forget(each)
            if each.scopes - scopes:
                each.scopes = frozenset()
                each.end("rights")
            else:
                each.scopes = scopes
                self._remember(each)

    async def _check_rights(self) -> None:
        """End the followers whose token has expired or was revoked, or whose role has changed."""
        while True:
            await asyncio.sleep(RIGHTS_EACH)
            by_credential = defaultdict(list)
            for each in self._open:
                by_credential[each.follower.credential].append(each)
            for credential, followers in by_credential.items():
                role = await self._role(credential)
                for each in followers:
                    if each.follower.caller.role is not role:
                        each.end("rights")

    async def _role(self, credential: str) -> Role | None:
        """The role of whoever has the credential; None if that may not follow any more."""
        try:
            return (await self._rights.caller(credential)).role
        except (Refusal, Unavailable, SQLAlchemyError, psycopg.Error, OSError):
            check_cancelled()
            return None


def _discard(index: dict[K, set[Subscription]], key: K, subscription: Subscription) -> None:
    among = index.get(key, set())
    among.discard(subscription)
    if not among:
        index.pop(key, None)


def _streamed(message: reading.ListedMessage, body: bytes) -> StreamedMessage:
    return StreamedMessage(message.position, message.type, frame(message.position, message.type, body))
