"""Provider profile: the public details of a provider, and those of them that are personal data of its owner."""

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict, cast

from domain.external_fields import ExternalFields


class ProviderProfile(ExternalFields):
    """The profile as events record it. Providers made by early versions lack the fields that are not required."""

    timezone: str
    organization_id: NotRequired[str | None]
    tags: NotRequired[list[str]]


class ProviderAbout(TypedDict):
    """Personal data of the owner. `location`: {"lat", "lon"} in degrees; `photo_url`: only clients open it."""

    name: str
    bio: str | None
    address: str | None
    location: dict[str, float] | None
    phone: NotRequired[str | None]
    email: NotRequired[str | None]
    photo_url: NotRequired[str | None]


class ProviderDetails(ProviderProfile, ProviderAbout):
    """Profile and personal data together, as in the HTTP contract."""


ABOUT = tuple(ProviderAbout.__annotations__)
UNREADABLE = cast("ProviderAbout", {**dict.fromkeys(ABOUT), "name": ""})
"""Shown while the personal data is encrypted, and after the owner is erased."""
DEFAULTS: Mapping[str, Any] = {"organization_id": None, "tags": [], "external_id": None, "metadata": {}}
"""The fields of the profile that providers made by early versions lack."""


def split(details: Mapping[str, Any]) -> tuple[ProviderProfile, ProviderAbout]:
    """The two parts of a provider's details."""
    profile = {name: value for name, value in details.items() if name not in ABOUT}
    about = {name: details.get(name) for name in ABOUT}
    return cast("ProviderProfile", profile), cast("ProviderAbout", about)
