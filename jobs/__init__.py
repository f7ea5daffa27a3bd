"""Winnow curates training data for language models on Spark and Delta Lake."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from winnow.explore.connect import Connection, connect

__all__ = ["Connection", "connect"]


def __getattr__(name: str) -> Any:
    """Import what a notebook needs when it is asked for: the command line starts without it."""
    if name not in __all__:
        raise AttributeError(f"module 'winnow' has no attribute {name!r}")
    from winnow.explore import connect

    return getattr(connect, name)
