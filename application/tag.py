"""Coin, rename and retire tags."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from application.access import permit
from application.log import Command, Log, command
from domain.tag import Tag


@dataclass(frozen=True, kw_only=True)
class CreateTag(Command):
    slug: str
    name: str | None = None


@dataclass(frozen=True, kw_only=True)
class RenameTag(Command):
    tag_id: UUID
    name: str


@dataclass(frozen=True, kw_only=True)
class DeleteTag(Command):
    tag_id: UUID


@command
async def create_tag(cmd: CreateTag, log: Log, now: datetime) -> Tag:
    """A tag to find by; one that exists is answered as it is."""
    permit(cmd.by, "create_tag")
    (tag,) = await log.edit_all(Tag, [Tag.id_of(cmd.slug)])
    if tag is None:
        name = cmd.name or cmd.slug
        tag = Tag(id=Tag.id_of(cmd.slug), by=cmd.by.account, slug=cmd.slug, name=name, timestamp=now)
    tag.revive(cmd.by.account, now)
    await log.record(tag)
    return tag


@command
async def rename_tag(cmd: RenameTag, log: Log, now: datetime) -> Tag:
    """Change what people read; the slug stays."""
    permit(cmd.by, "replace_tag")
    tag = await log.edit(Tag, cmd.tag_id)
    cmd.expect(tag)
    tag.rename(cmd.by.account, cmd.name, now)
    await log.record(tag)
    return tag


@command
async def delete_tag(cmd: DeleteTag, log: Log, now: datetime) -> Tag:
    """No longer listed, until somebody uses it again."""
    permit(cmd.by, "delete_tag")
    tag = await log.edit(Tag, cmd.tag_id)
    cmd.expect(tag)
    tag.retire(cmd.by.account, now)
    await log.record(tag)
    return tag


async def coined(slugs: Iterable[str], cmd: Command, log: Log, now: datetime) -> Sequence[Tag]:
    """The tags of these slugs that must be recorded, since using a tag coins or revives it."""
    wanted = sorted(set(slugs))
    known = await log.find_all(Tag, [Tag.id_of(slug) for slug in wanted])
    fresh = [s for s, tag in zip(wanted, known, strict=True) if tag is None or tag.retired]
    tags = []
    for slug, own in zip(fresh, await log.edit_all(Tag, [Tag.id_of(s) for s in fresh]), strict=True):
        tag = own or Tag(id=Tag.id_of(slug), by=cmd.by.account, slug=slug, name=slug, timestamp=now)
        tag.revive(cmd.by.account, now)
        tags.append(tag)
    return tags
