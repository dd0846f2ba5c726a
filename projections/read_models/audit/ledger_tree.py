"""Which hashes of the tree over the log need not be computed again? Those of full subtrees of 256, 65536, ... leaves.

PostgreSQL computes them from the digests, so that nothing is done in the append. The rest of a path is
computed from the digests of a few hundred events by `infrastructure.ledger.tree_rows`, which can do without this table.
"""

from sqlalchemy import BigInteger, Column, LargeBinary, SmallInteger, Table

from projections.engine.projection import Projection, RecordedEvent
from projections.engine.row_batch import RowBatch
from projections.engine.schema import metadata

WIDTH = 256
"""The subtrees of a level make up one of the next. Level 0 is the leaves, which are not kept."""
_HALVINGS = WIDTH.bit_length() - 1

subtree = Table(
    "ledger_tree",
    metadata,
    Column("level", SmallInteger, primary_key=True, autoincrement=False),
    Column("index", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
)

_LEAVES = """
    SELECT notification_id - 1 AS n, sha256('\\x00'::bytea || digest || int8send(notification_id)
        || int8send((extract(epoch FROM recorded_at) * 1000000)::bigint)) AS hash
    FROM log.stored_events WHERE notification_id > %(first)s AND notification_id <= %(first)s + {width}"""
_SUBTREES = """
    SELECT "index" AS n, hash FROM {{table}}
    WHERE level = %(level)s - 1 AND "index" >= %(first)s AND "index" < %(first)s + {width}"""


def _joined(rows: str) -> str:
    """A query for one row (level, index, hash) over WIDTH rows (n, hash): NULL if one of them is missing."""
    joins = [f"h0 AS ({rows.format(width=WIDTH)})"]
    for n in range(_HALVINGS):
        halved = "SELECT n / 2 AS n, sha256('\\x01'::bytea || string_agg(hash, ''::bytea ORDER BY n)) AS hash"
        joins.append(f"h{n + 1} AS ({halved} FROM h{n} GROUP BY n / 2)")
    found = f"CASE WHEN (SELECT count(*) FROM h0) = {WIDTH} THEN (SELECT hash FROM h{_HALVINGS}) END"  # noqa: S608
    return f"WITH {', '.join(joins)} SELECT %(level)s::smallint, %(index)s::bigint, {found}"


_OF_LEAVES, _OF_SUBTREES = _joined(_LEAVES), _joined(_SUBTREES)


def project(recorded: RecordedEvent, rows: RowBatch) -> None:
    level, (index, rest) = 1, divmod(recorded.position, WIDTH)
    while index and not rest:
        query = _OF_LEAVES if level == 1 else _OF_SUBTREES
        rows.compute(subtree, query, level=level, index=index - 1, first=(index - 1) * WIDTH)
        level, (index, rest) = level + 1, divmod(index, WIDTH)


ledger_tree = Projection("ledger_tree", [subtree], project, (), undecoded=True)
