"""All readers: without its line here, a read model is not kept."""

from collections.abc import Sequence

from projections.reader import Reader

READERS: Sequence[Reader] = ()
