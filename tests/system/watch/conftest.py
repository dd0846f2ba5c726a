"""The mail server of the deployments, here too."""

from tests.system.compose.deployment import catcher

__all__ = ["catcher"]
