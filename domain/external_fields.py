"""External fields: what an outside program keeps with a resource."""

from typing import NotRequired, TypedDict


class ExternalFields(TypedDict):
    """Not personal data. `external_id`: the program's own id; `metadata`: a few values, by key.

    Resources made by early versions lack them.
    """

    external_id: NotRequired[str | None]
    metadata: NotRequired[dict[str, str]]
