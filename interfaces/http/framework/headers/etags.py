"""Conditional requests (RFC 9110): a resource's ETag is its version."""

import re
from collections.abc import Mapping

from interfaces.http.framework.request_errors import Malformed, VersionMissing

LARGEST = 2**63 - 1
# Proxies that compress answers weaken their tags; versions stay comparable.
_TAG = re.compile(rb'(?:W/)?"(0|[1-9][0-9]{0,18})"')


def etag(version: int) -> bytes:
    """The ETag of a version."""
    return b'"%d"' % version


def expected(headers: Mapping[bytes, bytes], *, required: bool) -> int | None:
    """The version in If-Match; None for `*`, or without an optional header. Raises VersionMissing, Malformed."""
    given = headers.get(b"if-match")
    if given is None and required:
        raise VersionMissing
    if given is None or given.strip() == b"*":
        return None
    tag = _TAG.fullmatch(given.strip())
    if tag is None or int(tag[1]) > LARGEST:
        raise Malformed('If-Match must be one ETag from an earlier answer, such as "3", or *.')
    return int(tag[1])


def known(headers: Mapping[bytes, bytes], version: int) -> bool:
    """Whether If-None-Match names this version."""
    given = headers.get(b"if-none-match")
    if given is None:
        return False
    tags = [tag.strip().removeprefix(b"W/") for tag in given.split(b",")]
    return tags == [b"*"] or etag(version) in tags
