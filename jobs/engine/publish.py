"""The SQL of a published view, as readers' sessions run it."""

from winnow.engine.fingerprint import views_of
from winnow.pipeline.model import Kind, Pipeline, Read, Stage
from winnow.pipeline.render import has_alias, replace


def view_sql(pipeline: Pipeline, stage: Stage) -> str:
    """Return a plain view's query over published tables, each by its full name.

    Temporary views that it reads stand in front as CTEs, since readers do not have them.
    """
    temporary = _temporary(pipeline, stage)
    body = _qualified(pipeline, stage)
    if not temporary:
        return body
    steps = ",\n".join(f"`{view.name}` AS (\n{_qualified(pipeline, view)}\n)" for view in temporary)
    return f"WITH {steps}\n(\n{body}\n)"


def _temporary(pipeline: Pipeline, stage: Stage) -> list[Stage]:
    """Return the temporary views that a stage reads, those that others need first."""
    found: list[Stage] = []
    for view in views_of(pipeline, stage):
        if view.kind is Kind.TEMPORARY_VIEW:
            found += [item for item in (*_temporary(pipeline, view), view) if item not in found]
    return found


def _qualified(pipeline: Pipeline, stage: Stage) -> str:
    kinds = {item.name: item.kind for item in pipeline.stages}

    def edit(read: Read) -> tuple[int, int, str]:
        if kinds.get(read.table) is Kind.TEMPORARY_VIEW:
            return read.start, read.end, f"`{read.table}`"
        schema, _, table = read.table.rpartition(".")
        name = f"`{schema or pipeline.name}`.`{table}`"
        alias = "" if has_alias(stage.body, read.end) else f" AS `{table}`"
        return read.start, read.end, name + alias

    return replace(stage.body, [edit(read) for read in stage.reads]).text
