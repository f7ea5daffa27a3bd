"""Winnow curates training data for language models on Spark and Delta Lake.

For notebooks: `connect`. For functions of one's own: `column_function`, `operator`, `check`; for
models of one's own: `scorer`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from winnow.explore.connect import Connection, connect
    from winnow.operators.registry import check, operator
    from winnow.udfs.registry import column_function
    from winnow.udfs.scorers import scorer

__all__ = ["Connection", "check", "column_function", "connect", "operator", "scorer"]

_HOME = {
    "Connection": "winnow.explore.connect",
    "check": "winnow.operators.registry",
    "column_function": "winnow.udfs.registry",
    "connect": "winnow.explore.connect",
    "operator": "winnow.operators.registry",
    "scorer": "winnow.udfs.scorers",
}


def __getattr__(name: str) -> Any:
    """Import a name when it is asked for: the command line starts without Spark."""
    if name not in _HOME:
        raise AttributeError(f"module 'winnow' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
