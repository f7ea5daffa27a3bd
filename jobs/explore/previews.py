"""What is shown of a what-if: how many documents and groups, and the beginnings of texts."""

from collections.abc import Sequence

from winnow.engine.registry import Version
from winnow.explore.catalog import Catalog
from winnow.explore.lineage import ancestors
from winnow.explore.stored import dataset, values_of

EXAMPLES = 10  # documents, each way
GROUPS = 20  # sources, or languages: those that change most
TEXT = "text"
LENGTH = 300  # characters


def texts_of(catalog: Catalog, version: Version, ids: Sequence[str]) -> dict[str, str]:
    """Return beginnings of texts by id: from a stage, and of rows that it dropped from its inputs.

    Reads the row groups that hold one of the ids; a document without a text is left out.
    """
    found: dict[str, str] = {}
    for one in (version, *ancestors(catalog, version)):
        left = [id for id in ids if id not in found]
        if left and {"id", TEXT} <= set(one.columns):
            texts = values_of(dataset(catalog.warehouse, one), TEXT, left)
            found |= {id: str(text)[:LENGTH] for id, text in texts.items()}
    return found
