"""What a stage file may refer to: parameters, functions, the stages of its pipeline."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from winnow.pipeline.model import Kind, Parameter
from winnow.udfs.registry import Declaration


@dataclass(frozen=True)
class Context:
    """The names around a stage."""

    pipeline: str
    parameters: Mapping[str, Parameter]
    functions: Mapping[str, Declaration]
    own_functions: frozenset[str] = frozenset()  # those of the pipeline's `functions:`
    stages: Mapping[str, Kind] = field(default_factory=dict)
    # What has an error of its own already; a use of it is not another one.
    unreadable: frozenset[str] = frozenset()  # stages
    broken_parameters: frozenset[str] = frozenset()
    functions_missing: bool = False  # some could not be imported

    def function(self, name: str, *kinds: str) -> Declaration | None:
        """The declared function of that name, if it is of one of these kinds."""
        found = self.functions.get(name)
        return found if found and found.kind in kinds else None
