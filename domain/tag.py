"""Tag: a word that providers and services are found by."""

from datetime import datetime
from uuid import UUID

from domain.kernel import Aggregate, derived_id, event


class Tag(Aggregate):
    """A word to find by. Its id derives from its slug, so one slug is one tag."""

    class Coined(Aggregate.Created):
        by: UUID
        slug: str
        name: str

    class Renamed(Aggregate.Event):
        by: UUID
        name: str

    class Retired(Aggregate.Event):
        by: UUID

    class Revived(Aggregate.Event):
        by: UUID

    @staticmethod
    def id_of(slug: str) -> UUID:
        return derived_id("tag", slug)

    @event(Coined)
    def __init__(self, id: UUID, by: UUID, slug: str, name: str, timestamp: datetime) -> None:
        self.slug = slug
        self.name = name
        self.retired = False

    def rename(self, by: UUID, name: str, now: datetime) -> None:
        """Change what people read; the slug stays."""
        if name != self.name:
            self._renamed(by=by, name=name, timestamp=now)

    @event(Renamed)
    def _renamed(self, by: UUID, name: str, timestamp: datetime) -> None:
        self.name = name

    def retire(self, by: UUID, now: datetime) -> None:
        """No longer listed, until somebody uses it again."""
        if not self.retired:
            self._retired(by=by, timestamp=now)

    @event(Retired)
    def _retired(self, by: UUID, timestamp: datetime) -> None:
        self.retired = True

    def revive(self, by: UUID, now: datetime) -> None:
        """Listed again, because somebody used it."""
        if self.retired:
            self._revived(by=by, timestamp=now)

    @event(Revived)
    def _revived(self, by: UUID, timestamp: datetime) -> None:
        self.retired = False
