"""Folds the events of an archive through today's code, without a database: states, and the history line by line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from domain.errors import NotFound
from domain.kernel import Aggregate
from infrastructure.event_log.event_codec import decode, evolve
from infrastructure.ledger.archive.lines import DamagedArchive, lines_of

A = TypeVar("A", bound=Aggregate)
Seen = Callable[[Mapping[str, Any], Any], None]
"""Called with the line of each event, and the event."""


class ArchiveReplay:
    """The aggregates of an archive. `partial`: streams that begin before it, which have no state.

    An `EventReader`, as far as the archive goes.
    """

    def __init__(self) -> None:
        self.header: Mapping[str, Any] = {}
        self.aggregates: dict[UUID, Aggregate] = {}
        self.partial: set[UUID] = set()

    def read(self, file: Path, key: str | None, seen: Seen | None = None) -> None:
        """All lines, in order; raises DamagedArchive and OSError. `key`: the public key that must have signed it."""
        waiting: tuple[int, Mapping[str, Any], Any] | None = None
        for number, line in lines_of(file, key):
            if number == 1:
                self._begin(line)
            elif line["kind"] == "told" and waiting is not None:
                _tell(waiting[2], line["fields"])
            else:
                self._take(waiting, seen)
                waiting = (number, line, _decoded(number, line)) if line["kind"] == "event" else None

    def _begin(self, line: Mapping[str, Any]) -> None:
        if line["kind"] != "header" or line.get("format") != 1:
            raise DamagedArchive(1, "this release does not know this format")
        self.header = line

    def _take(self, waiting: tuple[int, Mapping[str, Any], Any] | None, seen: Seen | None) -> None:
        if waiting is None:
            return
        number, line, event = waiting
        if seen is not None:
            seen(line, event)
        stream, known = event.originator_id, self.aggregates.get(event.originator_id)
        if stream in self.partial or event.originator_version != (known.version if known else 0) + 1:
            if known is not None:
                raise DamagedArchive(number, f"stream {stream} has a gap before it")
            self.partial.add(stream)
            return
        aggregate = evolve(known, [event])
        if aggregate is not None:
            self.aggregates[stream] = aggregate

    async def find(self, kind: type[A], id: UUID) -> A | None:
        found = self.aggregates.get(id)
        return found if isinstance(found, kind) else None

    async def find_all(self, kind: type[A], ids: Iterable[UUID]) -> Sequence[A | None]:
        return [await self.find(kind, id) for id in ids]

    async def load(self, kind: type[A], id: UUID) -> A:
        found = await self.find(kind, id)
        if found is None:
            raise NotFound(kind.__name__.lower(), id)
        return found


def _decoded(number: int, line: Mapping[str, Any]) -> Any:
    try:
        return decode(line["topic"], line["state"].encode(), UUID(line["stream"]), line["version"])
    except Exception as error:
        raise DamagedArchive(number, f"this release can't read {line.get('topic')}") from error


def _tell(event: Any, fields: Mapping[str, Any]) -> None:
    for name, value in fields.items():
        getattr(event, name).value = value
