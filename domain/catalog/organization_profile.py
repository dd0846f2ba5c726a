"""Organization profile: the public details of an organization."""

from typing import TypedDict


class OrganizationProfile(TypedDict):
    """The profile as events record it; all of it is public."""

    name: str
    timezone: str | None
    bio: str | None
    address: str | None
