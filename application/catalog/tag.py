"""Coin, rename, merge and retire tags."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from application.access import permit
from application.event_log import Command, EventLog, command
from domain.catalog.tag import MergedIntoItself, SlugTaken, Tag
from domain.errors import Invalid


@dataclass(frozen=True, kw_only=True)
class CreateTag(Command):
    slug: str
    name: str | None = None


@dataclass(frozen=True, kw_only=True)
class RenameTag(Command):
    """`slug`: None leaves it unchanged; the old slug still leads to the tag."""

    tag_id: UUID
    name: str
    slug: str | None = None


@dataclass(frozen=True, kw_only=True)
class MergeTag(Command):
    tag_id: UUID
    into: UUID


@dataclass(frozen=True, kw_only=True)
class DeleteTag(Command):
    tag_id: UUID


@command
async def create_tag(cmd: CreateTag, log: EventLog, now: datetime) -> Tag:
    """Create a tag. The tag that the slug leads to already is returned unchanged."""
    permit(cmd.by, "create_tag")
    known = (await _led_to([cmd.slug], log))[cmd.slug]
    id = Tag.id_of(cmd.slug) if known is None else known.id
    (tag,) = await log.edit_all(Tag, [id])
    if tag is None:
        tag = Tag(id=id, by=cmd.by.account, slug=cmd.slug, name=cmd.name or cmd.slug, timestamp=now)
    tag.revive(cmd.by.account, now)
    await log.record(tag)
    return tag


@command
async def rename_tag(cmd: RenameTag, log: EventLog, now: datetime) -> Tag:
    """Change the name and the slug."""
    permit(cmd.by, "replace_tag")
    await log.load(Tag, cmd.tag_id)
    slug_id = cmd.tag_id if cmd.slug is None else Tag.id_of(cmd.slug)
    # Both at once: commands that lock one tag after another could wait for each other.
    tag, *there = await log.edit_all(Tag, dict.fromkeys([cmd.tag_id, slug_id]))
    assert tag is not None
    cmd.expect(tag)
    tag.rename(cmd.by.account, cmd.name, now)
    claims = []
    if cmd.slug is not None and cmd.slug not in tag.slugs:
        claims.append(_claimed(cmd.slug, there[0], tag, cmd, now))
    tag.respell(cmd.by.account, cmd.slug or tag.slug, now)
    await log.record(tag, *claims)
    return tag


def _claimed(slug: str, there: Tag | None, tag: Tag, cmd: Command, now: datetime) -> Tag:
    """The stream of a free slug, merged into the tag so that it can't become another tag. Raises SlugTaken."""
    if there is not None:
        raise SlugTaken
    claim = Tag(id=Tag.id_of(slug), by=cmd.by.account, slug=slug, name=slug, timestamp=now)
    claim.merge(cmd.by.account, tag, now)
    return claim


@command
async def merge_tag(cmd: MergeTag, log: EventLog, now: datetime) -> Tag:
    """Merge a tag into another one, which is returned."""
    permit(cmd.by, "merge_tag")
    await log.load(Tag, cmd.tag_id)
    target = await log.find(Tag, cmd.into)
    if target is None:
        raise Invalid(f"There is no tag {cmd.into}.", "/into")
    target = await _root(target, log)
    if target.id == cmd.tag_id:
        raise MergedIntoItself
    tag, into = await log.edit_all(Tag, [cmd.tag_id, target.id])
    assert tag is not None
    assert into is not None
    cmd.expect(tag)
    if (await _root(tag, log)).id == into.id:
        return into  # merged already
    tag.merge(cmd.by.account, into, now)
    await log.record(into, tag)
    return into


@command
async def delete_tag(cmd: DeleteTag, log: EventLog, now: datetime) -> Tag:
    """Take the tag off the list until it is used again."""
    permit(cmd.by, "delete_tag")
    tag = await log.edit(Tag, cmd.tag_id)
    cmd.expect(tag)
    tag.retire(cmd.by.account, now)
    await log.record(tag)
    return tag


async def coined(slugs: Iterable[str], cmd: Command, log: EventLog, now: datetime) -> tuple[list[str], Sequence[Tag]]:
    """The present slugs; and the tags to record, because using a tag creates or revives it."""
    known = await _led_to(slugs, log)
    fresh = {
        Tag.id_of(slug) if tag is None else tag.id: slug for slug, tag in known.items() if tag is None or tag.retired
    }
    tags = []
    for (id, slug), own in zip(fresh.items(), await log.edit_all(Tag, fresh), strict=True):
        tag = own or Tag(id=id, by=cmd.by.account, slug=slug, name=slug, timestamp=now)
        tag.revive(cmd.by.account, now)
        tags.append(tag)
    return _spelled(known), tags


async def retagged(
    changes: Mapping[str, Any], details: Mapping[str, Any], cmd: Command, log: EventLog, now: datetime
) -> tuple[dict[str, Any], Sequence[Tag]]:
    """The changes of a provider's or service's details, with the present slugs of its tags; and the tags to record."""
    if "tags" not in changes:
        return {**changes, "tags": _spelled(await _led_to(details["tags"], log))}, ()
    tags, coins = await coined(changes["tags"], cmd, log, now)
    return {**changes, "tags": tags}, coins


def _spelled(known: Mapping[str, Tag | None]) -> list[str]:
    """The present slug for each slug, without duplicates; for a merged tag, that of its target."""
    return list(dict.fromkeys(slug if tag is None else tag.slug for slug, tag in known.items()))


async def _led_to(slugs: Iterable[str], log: EventLog) -> Mapping[str, Tag | None]:
    """The tag that each slug leads to, merges followed; None where there is none."""
    wanted = list(dict.fromkeys(slugs))
    found = await log.find_all(Tag, [Tag.id_of(slug) for slug in wanted]) if wanted else ()
    return {slug: None if tag is None else await _root(tag, log) for slug, tag in zip(wanted, found, strict=True)}


async def _root(tag: Tag, log: EventLog) -> Tag:
    while tag.merged_into is not None:
        tag = await log.load(Tag, tag.merged_into)
    return tag
