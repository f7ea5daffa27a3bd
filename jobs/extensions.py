"""Finds the functions that SQL can call: Winnow's own, those of installed packages, a pipeline's.

A pipeline's `functions:` names Python files beside its stages or modules by their dotted name.
Files are imported under a module name of ours that is the same on every machine, so that what a
file is called can never hide an installed package.
"""

import importlib
import importlib.util
import inspect
import os
import pkgutil
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

from winnow.errors import CommandError
from winnow.udfs.registry import Declaration, declaration_of

ROOMS = ("winnow.udfs", "winnow.operators", "winnow.sources")
ENTRY_POINTS = "winnow.functions"
MODULE_PREFIX = "winnow_functions"  # of the modules that files are imported as


class ExtensionError(CommandError):
    """Functions that cannot be had. `file` and `line` say where, if the cause is in a file."""

    def __init__(
        self, message: str, remedy: str = "", file: Path | None = None, line: int = 1
    ) -> None:
        super().__init__("\n".join(part for part in (message, remedy) if part))
        self.message, self.remedy, self.file, self.line = message, remedy, file, line


def built_in() -> dict[str, Declaration]:
    """Return Winnow's own functions by name.

    Raises:
        ExtensionError: two of them share a name.
    """
    found: dict[str, Declaration] = {}
    for room in ROOMS:
        package = importlib.import_module(room)
        for module in pkgutil.iter_modules(package.__path__, prefix=f"{room}."):
            found = join(found, declarations(importlib.import_module(module.name)))
    return found


def installed() -> dict[str, Declaration]:
    """Return the functions of installed packages: entry points of the group `winnow.functions`.

    Raises:
        ExtensionError: a module cannot be imported, or two functions share a name.
    """
    found: dict[str, Declaration] = {}
    for entry in sorted(entry_points(group=ENTRY_POINTS), key=lambda entry: entry.name):
        found = join(found, _import_module(entry.module, of=f"entry point {entry.name}"))
    return found


def load(folder: Path, names: Iterable[str]) -> dict[str, Declaration]:
    """Return the functions of a pipeline's `functions:` list.

    Args:
        folder: the pipeline's folder; files are relative to it and can import their neighbours.
        names: Python files (`signals.py`) or dotted module names (`company.signals`).

    Raises:
        ExtensionError: one of them cannot be imported or declares nothing, or two functions
            share a name.
    """
    found: dict[str, Declaration] = {}
    for name in names:
        is_file = name.endswith(".py")
        loaded = _import_file(folder, name) if is_file else _import_module(name, of="functions:")
        if not loaded:
            raise ExtensionError(
                f"`{name}` declares no function",
                "Decorate one with @column_function, @operator, @source or @check.",
                folder / name if is_file else None,
            )
        found = join(found, loaded)
    return found


def join(
    known: Mapping[str, Declaration], more: Mapping[str, Declaration]
) -> dict[str, Declaration]:
    """Return both together.

    Raises:
        ExtensionError: a function of `more` has the name of another one in `known`.
    """
    for name, declaration in more.items():
        other = known.get(name)
        if other and other.function is not declaration.function:
            file, line = place_of(declaration)
            raise ExtensionError(
                f"two functions are called `{name}`: one of module {_module(other)}, "
                f"one of module {_module(declaration)}",
                "Rename one of them: SQL knows functions by name alone.",
                file,
                line,
            )
    return {**known, **more}


def declarations(module: ModuleType) -> dict[str, Declaration]:
    """Return the functions that a module itself declares; those that it imports are left out."""
    found = {}
    for value in vars(module).values():
        declaration = declaration_of(value)
        if declaration and declaration.function.__module__ == module.__name__:
            found[declaration.name] = declaration
    return found


def place_of(declaration: Declaration) -> tuple[Path | None, int]:
    """The file and line of a function."""
    code = getattr(inspect.unwrap(declaration.function), "__code__", None)
    return (Path(code.co_filename), code.co_firstlineno) if code else (None, 1)


def _module(declaration: Declaration) -> str:
    name = declaration.function.__module__
    file, _ = place_of(declaration)
    return file.name if file and name.startswith(MODULE_PREFIX) else name


def _import_module(name: str, of: str) -> dict[str, Declaration]:
    try:
        return declarations(importlib.import_module(name))
    except Exception as error:  # whatever somebody else's module raises is theirs to mend
        raise ExtensionError(f"{of}: module `{name}` cannot be imported: {_said(error)}") from None


def _import_file(folder: Path, name: str) -> dict[str, Declaration]:
    file = folder / name
    if not file.is_file():
        raise ExtensionError(f"there is no file `{name}` in the pipeline's folder")
    title = re.sub(r"\W", "_", f"{MODULE_PREFIX}_{folder.resolve().name}_{Path(name).stem}")
    spec = importlib.util.spec_from_file_location(title, file)
    if spec is None or spec.loader is None:
        raise ExtensionError(f"`{name}` is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[title] = module  # dataclasses and pickle look a module up by its name
    try:
        with _importable(folder):
            spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[title]
        line = _line_in(file, error)
        raise ExtensionError(
            f"`{name}` cannot be imported: {_said(error)}", file=file, line=line
        ) from None
    return declarations(module)


_neighbours: set[str] = set()  # modules that were imported from beside a pipeline's file


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    path = str(folder.resolve())
    for name in _neighbours:  # of a pipeline loaded before, or as they were before an edit
        sys.modules.pop(name, None)
    _neighbours.clear()
    before = set(sys.modules)
    sys.path.insert(0, path)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        for name in set(sys.modules) - before:
            file = getattr(sys.modules[name], "__file__", None) or ""
            top = os.path.join(path, name.partition(".")[0])
            if file == f"{top}.py" or file.startswith(top + os.sep):
                _neighbours.add(name)
        if path in sys.path:
            sys.path.remove(path)


def _said(error: BaseException) -> str:
    message = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def _line_in(file: Path, error: BaseException) -> int:
    """The line of the file at which an import failed, also when the cause lies deeper."""
    if isinstance(error, SyntaxError) and error.filename and Path(error.filename) == file:
        return error.lineno or 1
    line, trace = 1, error.__traceback__
    while trace:
        if Path(trace.tb_frame.f_code.co_filename) == file:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line
