"""Waiting for something to be so, with a deadline: never for time to pass."""

from tests.support.waiting import GLANCE, eventually

__all__ = ["GLANCE", "eventually"]
