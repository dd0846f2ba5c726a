"""Organization profile: the public details of an organization."""

from collections.abc import Mapping
from typing import Any, NotRequired

from domain.external_fields import ExternalFields


class OrganizationProfile(ExternalFields):
    """The profile as events record it; all of it is public. Early versions lack the fields that are not required.

    `currency`: of services that are made without one.
    """

    name: str
    timezone: str | None
    bio: str | None
    address: str | None
    phone: NotRequired[str | None]
    email: NotRequired[str | None]
    currency: NotRequired[str | None]


DEFAULTS: Mapping[str, Any] = {"phone": None, "email": None, "currency": None, "external_id": None, "metadata": {}}
"""The fields that organizations made by early versions lack."""
