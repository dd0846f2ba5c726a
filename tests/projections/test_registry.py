"""Each projection declares the aggregates whose events it uses: all others may be unknown to this release."""

import json
from typing import Any
from uuid import UUID

import pytest

from infrastructure.event_log.event_codec import decode
from projections.engine.projection import Projection, RecordedEvent, UndecodableEvent
from projections.engine.row_batch import RowBatch
from projections.registry import PROJECTIONS
from tests.golden.test_golden import AT, EXAMPLES, ID


def recorded(event: object) -> RecordedEvent:
    return RecordedEvent(1, AT, ID, 1, event, '{"actor":null}', UUID(int=1))


def uses(projection: Projection, example: dict[str, Any]) -> bool:
    """Whether the event changes rows; an example whose values mean nothing to the projection is used too."""
    event = decode(example["topic"], json.dumps(example["state"]).encode(), ID, 1)
    rows = RowBatch()
    try:
        projection.apply(recorded(event), rows)
    except (KeyError, ValueError):
        return True
    return bool(rows)


@pytest.mark.parametrize("projection", PROJECTIONS, ids=lambda each: each.name)
def test_a_projection_handles_the_aggregates_that_it_declares_and_no_others(projection: Projection) -> None:
    used = {example["topic"].partition(".")[0] for example in EXAMPLES if uses(projection, example)}
    assert used == {each.__name__ for each in projection.handles}


@pytest.mark.parametrize("projection", PROJECTIONS, ids=lambda each: each.name)
def test_an_unknown_kind_stops_it_only_if_the_aggregate_is_one_of_them(projection: Projection) -> None:
    unknown = LookupError("unknown kind")
    projection.apply(recorded(UndecodableEvent("Voucher.Issued", unknown)), RowBatch())
    for each in projection.handles:
        with pytest.raises(LookupError, match="unknown kind"):
            projection.apply(recorded(UndecodableEvent(f"{each.__name__}.Unheard", unknown)), RowBatch())
