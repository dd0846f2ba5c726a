"""Wiring of the feed: its messages, and the tail of a process."""

from typing import NamedTuple

from application.identity.api_key import ApiKeyHolders
from infrastructure.event_log.journal import Journal
from infrastructure.feed.messages import LogMessages
from infrastructure.feed.rights import CredentialRights, Tokens
from infrastructure.feed.tail import Tail
from projections.engine.positions import Positions
from projections.query.snapshot import Snapshots


class FeedServices(NamedTuple):
    """The feed as the HTTP interface uses it. `tail`: to be opened."""

    messages: LogMessages
    tail: Tail


def feed_services(
    journal: Journal, reads: Snapshots, positions: Positions, tokens: Tokens, holders: ApiKeyHolders
) -> FeedServices:
    messages = LogMessages(journal)
    return FeedServices(messages, Tail(reads, positions, messages, CredentialRights(tokens, holders)))
