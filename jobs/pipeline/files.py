"""YAML files with the place of every key and value, read into pydantic models."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from winnow.pipeline.model import PipelineError, Place, Problem
from winnow.pipeline.text import Text, did_you_mean, quoted

Path_ = tuple[str | int, ...]  # of keys and list positions down to a value


class Strict(BaseModel):
    """A mapping of a YAML file: unknown keys are errors, values are not converted."""

    model_config = ConfigDict(extra="forbid", strict=True, arbitrary_types_allowed=True)


Model = TypeVar("Model", bound=Strict)


@dataclass(frozen=True)
class Span:
    """Where a key or value stands in its file: offsets."""

    start: int
    end: int


@dataclass(frozen=True)
class Document:
    """A YAML file: its value, and where the keys and values of it stand."""

    text: Text
    value: Any
    keys: Mapping[Path_, Span]
    values: Mapping[Path_, Span]

    def place(self, path: Path_) -> Place:
        """Where the key at `path` stands (or the item, or the file's start)."""
        return self.text.place(self._span(path).start)

    def problem(self, path: Path_, message: str, remedy: str = "") -> Problem:
        """A problem under the key at `path`."""
        span = self._span(path)
        return self.text.problem(span.start, span.end, message, remedy)

    def value_problem(self, path: Path_, message: str, remedy: str = "") -> Problem:
        """A problem under the value at `path`."""
        span = self.values.get(path) or self._span(path)
        return self.text.problem(span.start, span.end, message, remedy)

    def _span(self, path: Path_) -> Span:
        while path:
            if path in self.keys:
                return self.keys[path]
            if path in self.values:
                return self.values[path]
            path = path[:-1]
        return Span(0, 0)

    def model(self, kind: type[Model], path: Path_ = ()) -> Model:
        """Read the value at `path` into a model.

        Raises:
            PipelineError: keys are unknown or missing, or values are of the wrong type.
        """
        value = self.value
        for step in path:
            value = value[step]
        try:
            return kind.model_validate({} if value is None else value)
        except ValidationError as error:
            problems = (self._explain(kind, path, dict(item)) for item in error.errors())
            raise PipelineError(tuple(problems)) from None

    def _explain(self, kind: type[Strict], path: Path_, error: dict[str, Any]) -> Problem:
        place = (*path, *error["loc"])
        name = str(place[-1]) if place else ""
        if error["type"] == "extra_forbidden":
            known = _fields(kind, error["loc"][:-1])
            remedy = did_you_mean(name, known) or f"Known keys: {', '.join(known)}."
            return self.problem(place, f"unknown key {quoted(name)}", remedy)
        if error["type"] == "missing":
            return self.problem(place[:-1], f"the key {quoted(name)} is missing")
        said = error["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
        said = said.replace("a valid dictionary", "a mapping").replace("a valid ", "a ")
        said = said.replace(" or instance of Strict", "")
        if error["type"] == "model_type":
            said = "a mapping"
        subject = quoted(name) if name else "the file"
        return self.value_problem(place, f"{subject} must be {said}")


def _fields(kind: type[Strict], loc: Path_) -> list[str]:
    """The keys that are known where an unknown one stands."""
    for step in loc:
        field = kind.model_fields.get(str(step))
        if field is None:
            continue
        kind = next(_models(field.annotation), kind)
    return [field.alias or name for name, field in kind.model_fields.items()]


def _models(annotation: Any) -> Iterator[type[Strict]]:
    """The models inside a type such as `dict[str, Entry | None]`."""
    if isinstance(annotation, type) and issubclass(annotation, Strict):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)


def read_yaml(text: Text) -> Document:
    """Read a YAML file.

    Raises:
        PipelineError: it is not YAML, a key stands twice, or it uses anchors.
    """
    try:
        root = _Loader(text.text).get_single_node()
        reader = _NodeReader(text)
        value = reader.read(root, ()) if root else None
    except yaml.MarkedYAMLError as error:
        raise PipelineError((_marked(text, error),)) from None
    except yaml.YAMLError as error:
        said = str(error).partition("\n")[0]
        raise PipelineError((text.problem(0, 0, f"this is not YAML: {said}"),)) from None
    except RecursionError:
        message = "this YAML is nested too deeply"
        raise PipelineError((text.problem(0, 0, message),)) from None
    if reader.problems:
        raise PipelineError(tuple(reader.problems))
    return Document(text, value, reader.keys, reader.values)


class _Loader(yaml.SafeLoader):
    """The safe loader without anchors: a few bytes of them can stand for gigabytes."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if getattr(event, "anchor", None):
            raise yaml.composer.ComposerError(
                None, None, "anchors and aliases are not supported", event.start_mark
            )
        return super().compose_node(parent, index)


def _marked(text: Text, error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    offset = min(mark.index, len(text.text)) if mark else 0
    said = ", ".join(part for part in (error.context, error.problem) if part)
    remedy = (
        "Indent with spaces." if "'\\t'" in said else "Put quotes around a value with `: ` or `#`."
    )
    remedy = remedy if "mapping values" in said or "'\\t'" in said else ""
    return text.problem(offset, offset + 1, f"this is not YAML: {said}", remedy)


class _NodeReader:
    """Turns YAML nodes into values and notes where they stand."""

    def __init__(self, text: Text) -> None:
        self.text = text
        self.keys: dict[Path_, Span] = {}
        self.values: dict[Path_, Span] = {}
        self.problems: list[Problem] = []
        self._constructor = yaml.constructor.SafeConstructor()

    def read(self, node: yaml.Node, path: Path_) -> Any:
        self.values[path] = Span(node.start_mark.index, node.end_mark.index)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(item, (*path, i)) for i, item in enumerate(node.value)]
        try:
            return self._constructor.construct_object(node)
        except (ValueError, OverflowError, LookupError) as error:
            raise yaml.constructor.ConstructorError(
                None, None, str(error), node.start_mark
            ) from None

    def _mapping(self, node: yaml.MappingNode, path: Path_) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            span = Span(key_node.start_mark.index, key_node.end_mark.index)
            if not isinstance(key_node, yaml.ScalarNode):
                self._problem(span, "a key must be a word")
                continue
            key = str(key_node.value)
            if key in found:
                self._problem(span, f"the key {quoted(key)} stands twice")
            self.keys[(*path, key)] = span
            found[key] = self.read(value_node, (*path, key))
        return found

    def _problem(self, span: Span, message: str) -> None:
        self.problems.append(self.text.problem(span.start, span.end, message))
