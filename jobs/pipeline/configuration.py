"""`pipeline.yml`: a pipeline's name, parameters, shared folders and functions."""

import re
from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from winnow.pipeline.files import Document, Strict
from winnow.pipeline.model import Parameter, PipelineError, Place, Problem, escape
from winnow.pipeline.text import did_you_mean, listed, quoted, words

FILE = "pipeline.yml"
# Schemas that are Winnow's or Spark's own, and formats that Spark reads as `format.path`.
RESERVED = words(
    """winnow default global_temp information_schema sys system session builtin spark_catalog avro
    binaryfile csv delta hive_metastore iceberg json orc parquet text xml"""
)
Value = str | int | float | bool | None
TypeName = Literal["string", "integer", "number", "boolean"]
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_ARTICLE = {"string": "a", "integer": "an", "number": "a", "boolean": "a"}
_UNSET = object()


class ParameterEntry(Strict):
    """One parameter; without a default a run must give it.

    With choices it is one of them; with a minimum or a maximum it is a number that is no less or no
    more than that.
    """

    default: Any = _UNSET
    description: str = ""
    type: TypeName | None = None
    choices: list[str] = Field(default_factory=list)
    minimum: float | None = Field(default=None, allow_inf_nan=False)
    maximum: float | None = Field(default=None, allow_inf_nan=False)


class Configuration(Strict):
    """The whole file."""

    name: str
    description: str = ""
    parameters: dict[str, ParameterEntry | None] = Field(default_factory=dict)
    include: list[str] = Field(default_factory=list)
    functions: list[str] = Field(default_factory=list)


def read_configuration(document: Document) -> Configuration:
    """Read `pipeline.yml`.

    Raises:
        PipelineError: everything that is wrong with its keys and names.
    """
    configuration = document.model(Configuration)
    problems = []
    if not _NAME.fullmatch(configuration.name):
        message = f"{quoted(configuration.name)} cannot name a pipeline"
        remedy = "Use lower-case letters, digits and _, a letter first."
        problems.append(document.value_problem(("name",), message, remedy))
    elif configuration.name in RESERVED:
        message = f"{quoted(configuration.name)} is a reserved name"
        problems.append(document.value_problem(("name",), message))
    for name in configuration.parameters:
        if not _NAME.fullmatch(name):
            message = f"{quoted(name)} cannot name a parameter"
            remedy = "Use lower-case letters, digits and _, a letter first."
            problems.append(document.problem(("parameters", name), message, remedy))
    if problems:
        raise PipelineError(tuple(problems))
    return configuration


def parameters(
    document: Document, configuration: Configuration, settings: Mapping[str, str]
) -> tuple[dict[str, Parameter], dict[str, Problem], list[Problem]]:
    """The parameters with their values: the defaults, or what `--set name=value` gives.

    Returns:
        Every parameter of the file; what is wrong with the values of some, which are NULL then;
        what is wrong with settings of no parameter.
    """
    found: dict[str, Parameter] = {}
    broken: dict[str, Problem] = {}
    unknown: list[Problem] = []
    for name, given in configuration.parameters.items():
        entry = given or ParameterEntry()
        value, problem = _value(document, name, entry, settings.get(name))
        found[name] = Parameter(name, value, entry.description)
        if problem:
            broken[name] = problem
    for name in settings:
        if name not in found:
            near = did_you_mean(name, found)
            known = f"Its parameters are {listed(found)}." if found else "It has no parameters."
            message = f"pipeline {quoted(configuration.name)} has no parameter {quoted(name)}"
            unknown.append(_of_setting(message, near or known))
    return found, broken, unknown


def _value(
    document: Document, name: str, entry: ParameterEntry, setting: str | None
) -> tuple[Value, Problem | None]:
    path = ("parameters", name)
    required = entry.default is _UNSET
    kind = entry.type or _type_of(entry.default)
    if kind is None or not (required or entry.default is None or _is(kind, entry.default)):
        at = (*path, "default")
        if kind is None:
            message = f"the default of {quoted(name)} is no string, number or boolean"
            return None, document.value_problem(at, message, "Put quotes around it.")
        message = f"the default of {quoted(name)} is not {_ARTICLE[kind]} {kind}"
        return None, document.value_problem(at, message)
    if entry.choices and not required and entry.default not in entry.choices:
        message = f"the default of {quoted(name)} is none of its choices"
        return None, document.value_problem((*path, "default"), message)
    if setting is not None and entry.choices and setting not in entry.choices:
        message = f"{name}={escape(setting[:60])}: {quoted(name)} has no such choice"
        return None, _of_setting(message, f"Its choices are {listed(entry.choices)}.")
    bounds = _bounds(entry)
    if bounds and kind not in ("integer", "number"):
        message = f"{quoted(name)} is {_ARTICLE[kind]} {kind}, which is never {bounds}"
        return None, document.problem(path, message, "Give it `type: integer` or `type: number`.")
    if entry.minimum is not None and not _is_within(entry.minimum, entry):
        message = f"{quoted(name)} has a minimum above its maximum"
        return None, document.value_problem((*path, "minimum"), message)
    if not required and not _is_within(entry.default, entry):
        message = f"the default of {quoted(name)} is not {bounds}"
        return None, document.value_problem((*path, "default"), message)
    if setting is not None:
        parsed, problem = _parse(name, kind, setting)
        if problem is None and not _is_within(parsed, entry):
            problem = _of_setting(f"{name}={escape(setting[:60])}: {quoted(name)} is {bounds}", "")
        return (parsed, None) if problem is None else (None, problem)
    if required:
        message = f"parameter {quoted(name)} has no default and no value"
        return None, document.problem(path, message, f"Give it with --set {name}=VALUE.")
    value: Value = entry.default
    return (float(value) if kind == "number" and isinstance(value, int) else value), None


def _bounds(entry: ParameterEntry) -> str:
    """Say what numbers a parameter may have; empty if any."""
    if entry.maximum is None:
        return "" if entry.minimum is None else f"at least {entry.minimum:,.15g}"
    if entry.minimum is None:
        return f"at most {entry.maximum:,.15g}"
    return f"from {entry.minimum:,.15g} to {entry.maximum:,.15g}"


def _is_within(value: Value, entry: ParameterEntry) -> bool:
    if not isinstance(value, int | float):
        return True
    least, most = entry.minimum, entry.maximum
    return (least is None or value >= least) and (most is None or value <= most)


def _type_of(default: object) -> TypeName | None:
    if isinstance(default, bool):
        return "boolean"
    if isinstance(default, int):
        return "integer"
    if isinstance(default, float):
        return "number"
    return "string" if isinstance(default, str) or default in (None, _UNSET) else None


def _is(kind: str, value: object) -> bool:
    if kind == "boolean" or isinstance(value, bool):
        return kind == "boolean" and isinstance(value, bool)
    if kind == "integer":
        return isinstance(value, int) and -(2**63) <= value < 2**63  # as Spark's BIGINT
    return isinstance(value, str if kind == "string" else int | float)


def _parse(name: str, kind: str, setting: str) -> tuple[Value, Problem | None]:
    """The value that a setting's text stands for."""
    try:
        if kind == "integer" and _is(kind, int(setting)):
            return int(setting), None
        if kind == "number" and isfinite(float(setting)):
            return float(setting), None
    except ValueError:
        pass
    if kind == "boolean" and setting.lower() in ("true", "false"):
        return setting.lower() == "true", None
    if kind == "string":
        return setting, None
    remedy = "Write true or false." if kind == "boolean" else ""
    message = f"{name}={escape(setting[:60])}: {quoted(name)} must be {_ARTICLE[kind]} {kind}"
    return None, _of_setting(message, remedy)


def _of_setting(message: str, remedy: str) -> Problem:
    return Problem(Place(Path("--set")), message, remedy, length=0)
