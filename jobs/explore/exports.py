"""Into which shards a document was exported."""

import json
from typing import Any

import pyarrow.compute as pc

from winnow.explore.catalog import Catalog
from winnow.explore.lookup import MOST_ROWS
from winnow.explore.stored import find


def exports_of(catalog: Catalog, id: str) -> list[dict[str, Any]]:
    """Return each place of a document in an export that came to its end, the oldest first.

    Of a folder into which the same was written again it is the last one.
    """
    last = {row["address"]: row for row in catalog.rows("exports")}
    ended = {row["export"]: row for row in last.values()}
    placed = catalog.registry.dataset("exported") if ended else None
    if placed is None:
        return []
    rows = find(placed, pc.field("id") == id, ["export", "file", "row"], MOST_ROWS).to_pylist()
    places = [(ended[row["export"]], row) for row in rows if row["export"] in ended]
    return [
        {
            "export": export["export"],
            "table": f"{export['pipeline']}.{export['stage']}",
            "version": export["version"],
            "versions": json.loads(export["versions"]),
            "exported": export["recorded"],
            "address": export["address"],
            "file": row["file"],
            "row": row["row"],
        }
        for export, row in sorted(places, key=lambda place: place[0]["recorded"])
    ]
