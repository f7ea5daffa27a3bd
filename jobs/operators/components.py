"""Connected components: which documents hang together, over however many pairs.

Up to a number of pairs union-find on the driver is fastest: all pairs of ids lie in its memory,
about 150 bytes each. Above it the same components come from rounds of joins and aggregations in
Spark that hold nothing on the driver: large-star and small-star in turn (Kiveris et al. 2014,
"Connected Components in MapReduce and Beyond", SoCC, section 3.4), some log n rounds.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numba import types
from numpy.typing import NDArray
from pyspark.sql import DataFrame

from winnow.operators.registry import operator
from winnow.operators.steps import checkpointed
from winnow.udfs.kernels import kernel

EDGES = """
    SELECT DISTINCT least(id_a, id_b) AS root, greatest(id_a, id_b) AS id
    FROM {pairs}
    WHERE id_a <> id_b
"""

# Each document's larger neighbours are tied to the smallest of it and all its neighbours.
LARGE_STAR = """
    WITH neighbours AS (
        SELECT root AS id, id AS neighbour FROM {edges} UNION ALL SELECT id, root FROM {edges}
    ),
    smallest AS (
        SELECT id, least(id, min(neighbour)) AS root FROM neighbours GROUP BY id
    )
    SELECT DISTINCT smallest.root, neighbours.neighbour AS id
    FROM neighbours JOIN smallest USING (id)
    WHERE neighbours.neighbour > neighbours.id
"""

# Each document and its smaller neighbours are tied to the smallest of these.
SMALL_STAR = """
    WITH smallest AS (SELECT id, min(root) AS root FROM {edges} GROUP BY id)
    SELECT root, id FROM smallest
    UNION
    SELECT smallest.root, edges.root AS id
    FROM {edges} AS edges JOIN smallest ON edges.id = smallest.id
    WHERE edges.root <> smallest.root
"""

# Equal for equal sets of edges, and for different ones with probability 2^-64.
STATE = "SELECT count(*) AS edges, bit_xor(xxhash64(root, id)) AS hash FROM {edges}"

MEMBERS = """
    SELECT id, root AS component FROM {edges}
    UNION
    SELECT root AS id, root AS component FROM {edges}
"""

_SCHEMA = pa.schema({"id": pa.string(), "component": pa.string()})
_NODES = types.Array(types.int64, 1, "C")


@kernel(_NODES(_NODES, _NODES, types.int64))
def _smallest_reached(
    left: NDArray[np.int64], right: NDArray[np.int64], nodes: int
) -> NDArray[np.int64]:
    """Return for each node the smallest one that edges lead to: union-find, halving paths."""
    root = np.arange(nodes)
    for edge in range(left.size):
        a, b = left[edge], right[edge]
        while root[a] != a:
            root[a] = root[root[a]]
            a = root[a]
        while root[b] != b:
            root[b] = root[root[b]]
            b = root[b]
        root[max(a, b)] = min(a, b)
    for node in range(nodes):  # a root is never larger than its node, so it is final by now
        root[node] = root[root[node]]
    return root


def _on_driver(pairs: DataFrame) -> DataFrame:
    edges = pairs.select("id_a", "id_b").where("id_a <> id_b").toArrow()
    left, right = (column.cast(pa.large_string()).combine_chunks() for column in edges.columns)
    ids = pc.unique(pa.chunked_array([left, right]))
    ids = ids.take(pc.sort_indices(ids))  # by bytes, as Spark orders strings
    a, b = (pc.index_in(side, ids).to_numpy().astype(np.int64) for side in (left, right))
    roots = _smallest_reached(a, b, len(ids))
    members = pa.table({"id": ids, "component": ids.take(pa.array(roots))})
    return pairs.sparkSession.createDataFrame(members.cast(_SCHEMA))


def _in_rounds(pairs: DataFrame) -> DataFrame:
    session = pairs.sparkSession
    edges = checkpointed(session.sql(EDGES, pairs=pairs))
    before, after = None, session.sql(STATE, edges=edges).first()
    while after != before:
        edges = session.sql(LARGE_STAR, edges=edges)
        edges = checkpointed(session.sql(SMALL_STAR, edges=edges))
        before, after = after, session.sql(STATE, edges=edges).first()
    return session.sql(MEMBERS, edges=edges)


@operator(schema="id STRING, component STRING", version=1)
def components(pairs: DataFrame, driver_pairs: int = 2_000_000) -> DataFrame:
    """Name, for every document of a pair, the component that pairs tie it into.

    Args:
        pairs: id_a STRING, id_b STRING; other columns are not read. In any order, also twice. A
            pair of a document with itself, or with null, says nothing.
        driver_pairs: up to so many rows the driver does it, 150 bytes of memory a row; above,
            rounds in Spark. Both give the same rows.

    Returns:
        id STRING, component STRING; one row per document of a pair. A component is named by its
        smallest id, in the order of UTF-8's bytes.
    """
    return _on_driver(pairs) if pairs.count() <= driver_pairs else _in_rounds(pairs)
