"""What may an account read of the feed, in order, and how far has a page looked?"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import CompoundSelect, Select, Uuid, func, literal, select, true, union

from projections.query.ownership import Owner
from projections.query.snapshot import Snapshot
from projections.read_models.feed.entry import entry, message, owners, reach

LOOKED = 1_000  # events that a page looks at for those of its types
_m, _e = message.c, entry.c


class ListedMessage(NamedTuple):
    """An event of the feed. `subject`, `version`: the stream that it is about, right after it."""

    position: int
    type: str
    subject: UUID
    version: int
    at: datetime


@dataclass(frozen=True, slots=True)
class FeedPage:
    """Events in order. `next`: everything up to this position has been looked at."""

    messages: Sequence[ListedMessage]
    next: int


_columns = (_m.position, _m.type, _m.subject, _m.version, _m.at)


async def page(
    read: Snapshot, after: int, limit: int, *, types: Collection[str] = (), owner: Owner | None = None
) -> FeedPage:
    """The events after a position that concern an owner, or all of them; at most `limit`, of all types or of some."""
    most = max(limit, LOOKED) if types else limit
    query = _everything(after, most) if owner is None else _of(owner, after, most)
    found = [ListedMessage(*row) for row in await read.connection.execute(query)]
    wanted = [each for each in found if each.type in types] if types else found
    if len(wanted) > limit:
        return FeedPage(wanted[:limit], wanted[limit - 1].position)
    return FeedPage(wanted, found[-1].position if len(found) == most else max(read.position, after))


def _everything(after: int, most: int) -> Select[Any]:
    return select(*_columns).where(_m.position > after).order_by(_m.position).limit(most)


def _of(owner: Owner, after: int, most: int) -> Select[Any]:
    """The first of each scope, merged: as few rows as there are scopes and places on the page."""
    scopes = _scopes(owner).subquery("scopes")
    first = (
        select(_e.position)
        .where(_e.scope == scopes.c.scope, _e.position > after)
        .order_by(_e.position)
        .limit(most)
        .lateral("first")
    )
    looked = select(first.c.position).distinct().select_from(scopes.join(first, true()))
    merged = looked.order_by(first.c.position).limit(most).subquery("looked")
    return select(*_columns).join(merged, merged.c.position == _m.position).order_by(_m.position)


def _scopes(owner: Owner) -> CompoundSelect[Any]:
    """What an account reads now: as a customer, and as whoever acts for providers and organizations."""
    account = literal(owner.account, Uuid)
    theirs = [select(account.label("scope")), owners.claimed_by(account)]
    if owner.acts:
        theirs += [owners.owned_by(account), owners.organizations_of(account)]
    return union(*theirs)


async def scopes_of(read: Snapshot, owner: Owner) -> frozenset[UUID]:
    """The providers, organizations and customers whose events an account may read now."""
    return frozenset((await read.connection.execute(_scopes(owner))).scalars())


async def concerned(read: Snapshot, after: int, until: int) -> Mapping[int, Collection[UUID]]:
    """Position -> the scopes that its event concerns, after a position and up to another."""
    among = (_e.position > after, _e.position <= until)
    query = select(_e.position, func.array_agg(_e.scope).label("scopes")).where(*among)
    return {row.position: row.scopes for row in await read.connection.execute(query.group_by(_e.position))}


async def messages(read: Snapshot, positions: Collection[int]) -> Sequence[ListedMessage]:
    """The events at these positions, in order."""
    query = select(*_columns).where(_m.position.in_(positions)).order_by(_m.position)
    return [ListedMessage(*row) for row in await read.connection.execute(query)]


async def changed_accounts(read: Snapshot, after: int) -> frozenset[UUID]:
    """The accounts whose scopes have changed after a position."""
    query = select(reach.c.account_id).where(reach.c.position > after)
    return frozenset((await read.connection.execute(query)).scalars())
