"""The accounts that `daybook up` makes in DEV: one for each role, in the demo town if there is one."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from application.access import Role
from domain.kernel import derived_id
from interfaces.demo.first_booking import FirstBooking

ROLES = (Role.ADMIN, Role.PROVIDER, Role.CUSTOMER, Role.AUDITOR, Role.ANALYST)
ADDRESSES: Mapping[str, str] = {str(role): f"{role}@daybook.example" for role in ROLES}
"""The e-mail address that the account of each role signs in with."""


def account_of(role: Role, town: FirstBooking | None) -> UUID:
    """The account of a role: in the demo town, one that has appointments or a business there."""
    known = {}
    if town is not None:
        known = {Role.ADMIN: town.admin_id, Role.PROVIDER: town.owner_id, Role.CUSTOMER: town.customer_id}
    return known.get(role, derived_id("account", role))
