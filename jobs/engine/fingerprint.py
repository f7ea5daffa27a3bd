"""The hash of a stage's definition: when it is the same, so are the rows for the same inputs.

It covers the SQL without comments and white space, the parameters that it uses (apart from those
that only say where to read), the temporary views that it reads, and of every function that it calls
the version, the source of its module with all that this imports from the same package or folder,
the versions of its declared libraries, and its assets. Editing a helper of a function therefore
rebuilds what calls it.
"""

import ast
import hashlib
import inspect
import json
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from winnow.pipeline.model import Kind, Pipeline, Stage
from winnow.udfs.registry import Declaration

# Raise when the engine itself changes which rows a stage yields.
ENGINE = "1"


def digest(*parts: str | bytes) -> str:
    """Return 32 hex characters (BLAKE2b-128) over the parts and their lengths."""
    total = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        total.update(f"{len(data)}:".encode() + data)
    return total.hexdigest()


def definition(pipeline: Pipeline, stage: Stage) -> dict[str, str]:
    """Return the parts of a stage's definition, each hashed, by what a person would call them.

    The keys are `sql`, `parameter NAME`, `function NAME`, `view NAME` and `engine`.
    """
    parts = {"engine": ENGINE, "sql": digest(*stage.tokens)}
    for name in stage.parameters:
        parameter = pipeline.parameters[name]
        if not parameter.is_run_option:
            parts[f"parameter {name}"] = digest(json.dumps(parameter.value))
    called = [call.declaration for call in stage.calls]
    called += [pipeline.functions[name] for name in stage.functions]
    for declaration in called:
        parts[f"function {declaration.name}"] = function_digest(declaration)
    for view in views_of(pipeline, stage):
        for key, value in definition(pipeline, view).items():
            parts[key if key.startswith("function ") else f"view {view.name} {key}"] = value
    return dict(sorted(parts.items()))


def definition_hash(parts: Mapping[str, str]) -> str:
    """Return one hash over all parts."""
    return digest(*(item for pair in sorted(parts.items()) for item in pair))


def views_of(pipeline: Pipeline, stage: Stage) -> list[Stage]:
    """Return the pipeline's views that a stage reads directly: they are no stored inputs."""
    stages = {item.name: item for item in pipeline.stages}
    read = (stages[name] for name in stage.inputs if name in stages)
    return [item for item in read if item.kind in (Kind.VIEW, Kind.TEMPORARY_VIEW)]


@cache
def function_digest(declaration: Declaration) -> str:
    """Return the hash of everything that decides what a function returns."""
    file = Path(inspect.getfile(inspect.unwrap(declaration.function)))
    sources = [source.read_bytes() for source in sorted(_closure(file))]
    libraries = [f"{name} {metadata.version(name)}" for name in sorted(declaration.libraries)]
    assets = [(file.parent / name).read_bytes() for name in sorted(declaration.assets)]
    return digest(str(declaration.version), *sources, *libraries, *assets)


def _closure(file: Path) -> set[Path]:
    """Return a module's file and those of all modules that it imports from its own package."""
    found, waiting = set[Path](), [file]
    while waiting:
        current = waiting.pop()
        if current in found:
            continue
        found.add(current)
        waiting += _imported(current)
    return found


def _imported(file: Path) -> Iterable[Path]:
    for node in ast.walk(ast.parse(file.read_bytes())):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = "." * node.level + (node.module or "")
            # `from package import module` may name a module, too.
            names = [base, *(f"{base.rstrip('.')}.{alias.name}" for alias in node.names)]
            if node.level:
                names = [node.module or alias.name for alias in node.names]
        for name in names:
            yield from _own_file(name, file)


def _own_file(name: str, importer: Path) -> Iterable[Path]:
    """The file of a module of Winnow, or of one that lies beside the importing file."""
    beside = importer.parent / Path(*name.split("."))
    for candidate in (beside.with_suffix(".py"), beside / "__init__.py"):
        if candidate.is_file():
            yield candidate
            return
    if name.partition(".")[0] != "winnow":
        return
    try:
        spec = find_spec(name) if name not in sys.modules else sys.modules[name].__spec__
    except (ImportError, ValueError):  # `from module import function`: no module of that name
        return
    if spec is not None and spec.origin is not None and spec.origin.endswith(".py"):
        yield Path(spec.origin)
