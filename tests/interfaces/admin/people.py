"""Everybody of two organizations, each in a browser that is signed in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tests.interfaces.admin.browser import Browser
from tests.interfaces.http.tenants import Tenants


@dataclass
class People:
    """The first organization, and a browser for each caller, all of them with a session."""

    it: Tenants
    browsers: Mapping[str, Browser]
