"""One key a person, outside the log, wrapped by the master key. Erasing a person means deleting the key.

Keys of persons are never cached: a deleted key is gone in every process at once. Those who ask for keys during one
look-up share the next, which begins after they asked.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain
from types import MappingProxyType
from typing import Any, Protocol, TypeVar
from uuid import UUID

from application.people.email_address import mailbox_of
from domain.kernel import Aggregate, derived_id
from domain.personal_data import PersonalData
from infrastructure.privacy.field_encryption import decrypt, decrypt_in_place, encrypt
from infrastructure.privacy.master_keys import MasterKeys, WrappedKey
from projections.query.gathered_calls import GatheredCalls

KEY = 32  # bytes
NO_KEYS: Mapping[UUID, bytes] = MappingProxyType({})
A = TypeVar("A", bound=Aggregate)


class PersonKeyRows(Protocol):
    """Storage of wrapped keys, beside the journal."""

    async def get(self, subjects: Collection[UUID]) -> Mapping[UUID, WrappedKey]:
        """The keys that exist."""
        ...

    async def add(self, keys: Mapping[UUID, WrappedKey]) -> Collection[UUID]:
        """Add the keys that do not exist yet, and name their persons; existing ones stay."""
        ...

    async def rewrap(self, current: str, wrap: Callable[[UUID, WrappedKey], WrappedKey], most: int) -> int:
        """Wrap up to `most` keys of other masters again, in one transaction; how many, 0 at the end."""
        ...

    async def count(self, current: str) -> int:
        """The number of keys that another master key wraps."""
        ...


class Keyring:
    """The keys of persons, and the system's own secrets."""

    def __init__(self, rows: PersonKeyRows, masters: MasterKeys) -> None:
        self._rows = rows
        self._masters = masters
        self._secrets: dict[str, bytes] = {}
        self._wanted = GatheredCalls(self._look_up, "keys of persons")
        self._new = GatheredCalls(self._add, "new keys of persons")

    async def for_reading(self, subjects: Collection[UUID]) -> Mapping[UUID, bytes]:
        """The existing keys: erased persons have none. Raises UnknownMasterKey."""
        if not subjects:
            return {}
        found = await self._wanted.add(subjects)
        return {each: self._masters.unwrap(each, found[each]) for each in subjects if each in found}

    async def _look_up(self, wanted: Sequence[Collection[UUID]]) -> Mapping[UUID, WrappedKey]:
        return await self._rows.get(set[UUID]().union(*wanted))

    async def for_writing(self, subjects: Collection[UUID]) -> Mapping[UUID, bytes]:
        """A key for each subject, made where there is none."""
        known = await self.for_reading(subjects)
        missing = set(subjects) - known.keys()
        if not missing:
            return known
        added = await self._new.add({each: self._masters.wrap(each, secrets.token_bytes(KEY)) for each in missing})
        made = {each: self._masters.unwrap(each, added[each]) for each in missing & added.keys()}
        # The others have been added by another process in the meantime.
        return {**known, **made, **await self.for_reading(missing - made.keys())}

    async def _add(self, wanted: Sequence[Mapping[UUID, WrappedKey]]) -> Mapping[UUID, WrappedKey]:
        """Of several requests: the keys that are new."""
        keys = dict(chain(*(each.items() for each in wanted)))
        return {each: keys[each] for each in await self._rows.add(keys)}

    async def decrypted(self, aggregate: A, known: Mapping[UUID, bytes] = NO_KEYS) -> A:
        """The aggregate itself, or a readable copy if it holds personal data.

        `known`: keys that the caller has read already; the others are looked up.
        """
        personal = list(_personal(getattr(aggregate, "__dict__", {}).values()))
        if not personal:
            return aggregate
        unknown = {each.subject for each in personal} - known.keys()
        keys = {**known, **await self.for_reading(unknown)}
        copy = aggregate.own_copy()
        for name, value in vars(copy).items():
            copy.__dict__[name] = _decrypted(value, keys)
        return copy

    async def encrypt(self, subject: UUID, value: Any, place: bytes) -> bytes:
        """Encrypt a value of a row as JSON with the subject's key, which is made if there is none."""
        keys = await self.for_writing([subject])
        return encrypt(keys[subject], value, place)

    async def decrypt(self, subject: UUID, encrypted: bytes, place: bytes) -> Any:
        """The value; None once the subject is erased."""
        key = (await self.for_reading([subject])).get(subject)
        return None if key is None else decrypt(key, encrypted, place)

    async def secret(self, name: str) -> bytes:
        """A secret of the system's own, 32 bytes, made once: for keyed hashes and peppers."""
        if name not in self._secrets:
            subject = derived_id("secret", name)
            self._secrets[name] = (await self.for_writing([subject]))[subject]
        return self._secrets[name]

    async def address_id(self, email: str) -> UUID:
        """The stream of an e-mail address: a keyed hash, the same for every spelling of one mailbox."""
        key = await self.secret("addresses")
        return derived_id(
            "address", hmac.digest(key, mailbox_of(email).encode("utf-8", "surrogatepass"), "sha256").hex()
        )

    async def rotate(self, progress: Callable[[int, int], None], most: int = 500) -> int:
        """Wrap every key by the current master; how many were wrapped. A second call continues an interrupted one."""
        total, done = await self._rows.count(self._masters.current), 0
        while some := await self._rows.rewrap(self._masters.current, self._again, most):
            done += some
            progress(done, max(total, done))
        return done

    def _again(self, subject: UUID, wrapped: WrappedKey) -> WrappedKey:
        return self._masters.wrap(subject, self._masters.unwrap(subject, wrapped))


def drop_plain_text(aggregate: Aggregate) -> None:
    """Keep personal data encrypted only: caches hold no plain text."""
    for each in _personal(vars(aggregate).values()):
        if each.sealed is not None:
            each.value = None


_NOTHING_PERSONAL = frozenset({str, int, bool, type(None), UUID, datetime, list, tuple})
"""Asked first: `isinstance(value, Mapping)` is slow for what is none."""


def _personal(values: Iterable[Any]) -> Iterable[PersonalData]:
    for value in values:
        if type(value) in _NOTHING_PERSONAL:
            continue
        if isinstance(value, PersonalData):
            yield value
        elif isinstance(value, Mapping):
            yield from (each for each in value.values() if isinstance(each, PersonalData))


def _decrypted(value: Any, keys: Mapping[UUID, bytes]) -> Any:
    if isinstance(value, PersonalData):
        copy = PersonalData(value.subject, value.value, value.sealed, value.place)
        decrypt_in_place([copy], keys)
        return copy
    if isinstance(value, Mapping) and any(isinstance(each, PersonalData) for each in value.values()):
        return {name: _decrypted(each, keys) for name, each in value.items()}
    return value
