"""Tag: a word by which providers and services are found."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from domain.errors import Conflict
from domain.kernel import Aggregate, derived_id, event


class TagMerged(Conflict):
    """This tag has been merged into another."""


class TagRetired(Conflict):
    """This tag is no longer listed."""


class MergedIntoItself(Conflict):
    """A tag can't be merged into itself, nor into a tag that was merged into it."""


class SlugTaken(Conflict):
    """Another tag has this slug. Merge the two to combine them."""


class Tag(Aggregate):
    """A word by which things are found. Its id derives from its first slug, so that one slug is one tag.

    `slugs`: the present slug, the former ones, and those of the tags that were merged into it.
    """

    class Coined(Aggregate.Created):
        by: UUID
        slug: str
        name: str

    class Renamed(Aggregate.Event):
        by: UUID
        name: str

    class Respelled(Aggregate.Event):
        by: UUID
        slug: str

    class Merged(Aggregate.Event):
        by: UUID
        into: UUID
        slugs: list[str]

    class Absorbed(Aggregate.Event):
        by: UUID
        slugs: list[str]

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
        self.slugs: tuple[str, ...] = (slug,)
        self.merged_into: UUID | None = None
        self.retired = False

    @property
    def aliases(self) -> list[str]:
        """The slugs besides the present one."""
        return sorted(slug for slug in self.slugs if slug != self.slug)

    def rename(self, by: UUID, name: str, now: datetime) -> None:
        """Change the name; the slug stays."""
        self.check_own()
        if name != self.name:
            self._renamed(by=by, name=name, timestamp=now)

    @event(Renamed)
    def _renamed(self, by: UUID, name: str, timestamp: datetime) -> None:
        self.name = name

    def respell(self, by: UUID, slug: str, now: datetime) -> None:
        """Make another of its slugs the present one; the old slug still leads to the tag. Raises SlugTaken."""
        self.check_own()
        if slug not in self.slugs:
            raise SlugTaken
        if slug != self.slug:
            self._respelled(by=by, slug=slug, timestamp=now)

    @event(Respelled)
    def _respelled(self, by: UUID, slug: str, timestamp: datetime) -> None:
        self.slug = slug

    def merge(self, by: UUID, into: "Tag", now: datetime) -> None:
        """Give this tag's slugs to `into`. Both streams record it."""
        self.check_own()
        if into.id == self.id:
            raise MergedIntoItself
        into.absorb(by, self.slugs, now)
        self._merged(by=by, into=into.id, slugs=list(self.slugs), timestamp=now)

    @event(Merged)
    def _merged(self, by: UUID, into: UUID, slugs: list[str], timestamp: datetime) -> None:
        self.merged_into = into

    def absorb(self, by: UUID, slugs: Iterable[str], now: datetime) -> None:
        """Take over these slugs."""
        self.check_own()
        if self.retired:
            raise TagRetired
        self._absorbed(by=by, slugs=list(slugs), timestamp=now)

    @event(Absorbed)
    def _absorbed(self, by: UUID, slugs: list[str], timestamp: datetime) -> None:
        self.slugs = (*self.slugs, *slugs)

    def retire(self, by: UUID, now: datetime) -> None:
        """Take the tag off the list until it is used again."""
        self.check_own()
        if not self.retired:
            self._retired(by=by, timestamp=now)

    @event(Retired)
    def _retired(self, by: UUID, timestamp: datetime) -> None:
        self.retired = True

    def revive(self, by: UUID, now: datetime) -> None:
        """List the tag again, because it is used again."""
        if self.retired:
            self._revived(by=by, timestamp=now)

    @event(Revived)
    def _revived(self, by: UUID, timestamp: datetime) -> None:
        self.retired = False

    def check_own(self) -> None:
        """Raise TagMerged once the tag was merged into another one."""
        if self.merged_into is not None:
            raise TagMerged
