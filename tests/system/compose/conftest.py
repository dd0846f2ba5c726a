"""A deployment of each compose file, which all tests of it share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.system.compose.deployment import GUNICORN, NGINX, Deployment, MailCatcher, catcher, deployed, left_of

__all__ = ["catcher"]


@pytest.fixture(scope="session", params=[NGINX, GUNICORN])
def deployment(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, catcher: MailCatcher
) -> Iterator[Deployment]:
    with deployed(request.param, tmp_path_factory.mktemp("daybook"), catcher) as up:
        yield up
    assert not left_of(up.project)
