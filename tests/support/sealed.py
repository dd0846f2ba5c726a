"""The master key of the tests, and a codec that reads with it."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from infrastructure.event_log.event_codec import EventCodec, EventRow, encode
from infrastructure.event_log.journal import Journal
from infrastructure.privacy.field_encryption import decrypt_in_place, personal_of
from infrastructure.privacy.keyring import Keyring
from infrastructure.privacy.master_keys import MasterKeys
from infrastructure.settings import SAMPLE_MASTER_KEY

MASTERS = MasterKeys(SAMPLE_MASTER_KEY)
CODEC = EventCodec(MASTERS)


async def rows_of(
    journal: Journal, events: Sequence[Any], metadata: str, masters: MasterKeys = MASTERS
) -> list[EventRow]:
    """The rows of events, what is personal sealed with keys that are kept beside the journal."""
    keys = await Keyring(journal.keys, masters).for_writing({said.subject for said in personal_of(events)})
    rows = [encode(event, metadata, keys) for event in events]
    decrypt_in_place(personal_of(events), keys)  # so that a test can look at what it wrote
    return rows


class Puzzled(EventCodec):
    """Can't decode events of one topic."""

    def __init__(self, topic: str) -> None:
        super().__init__(MASTERS)
        self._topic = topic

    def decode(self, topic: str, state: bytes, stream: UUID, version: int) -> object:
        if topic == self._topic:
            raise LookupError("no such topic")
        return super().decode(topic, state, stream, version)
