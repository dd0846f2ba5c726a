"""The versions that decide results: this release, and the time zone data of the locked package `tzdata`."""

from importlib.metadata import version

from tzdata import IANA_VERSION  # type: ignore[import-untyped]  # it has no types

RELEASE = version("daybook")
ZONES: str = IANA_VERSION
"""The release of the IANA time zone database, such as 2026f."""
