"""What a run would do (`winnow plan`), and what became of the examples (`winnow test`)."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from winnow.engine.plan import APPEND, REAUDIT, REBUILD, REUSE, VIEW, StagePlan, said_gone
from winnow.explore.screen import Screen, escape

if TYPE_CHECKING:
    from winnow.engine.examples import ExampleResult

SAID = {
    REUSE: "reuse",
    REAUDIT: "audit again",
    APPEND: "add new rows",
    REBUILD: "build",
    VIEW: "define view",
}


def plan_facts(pipeline: str, command: str, plans: Iterable[StagePlan]) -> dict[str, Any]:
    """Return the plan of each stage, and the command that does it."""
    return {
        "pipeline": pipeline,
        "command": command,
        "stages": [
            {
                "stage": plan.name,
                "kind": plan.kind,
                "action": plan.action,
                "reason": plan.reason,
                "gone": list(plan.gone),
            }
            for plan in plans
        ],
        "notes": [said_gone(plan) for plan in plans if plan.gone],
    }


def show_plan(facts: dict[str, Any], screen: Screen) -> str:
    """Return the plan as text."""
    rows = [
        (one["stage"], SAID.get(one["action"], one["action"]), one["reason"])
        for one in facts["stages"]
    ]
    if all(one["action"] == REUSE for one in facts["stages"]):
        ending = "nothing to do"
    else:
        ending = f"  do it   {escape(facts['command'])}"
    notes = [line for note in facts["notes"] for line in screen.folded(note, 0)]
    return "\n".join([screen.table(("stage", "would", "why"), rows), "", *notes, ending])


def example_facts(pipeline: str, results: "Iterable[ExampleResult]") -> dict[str, Any]:
    """Return what became of each example row."""
    examples = [
        {
            "stage": one.stage,
            "name": one.name,
            "passed": one.passed,
            "expected": one.expected,
            "actual": one.actual,
            "detail": one.detail,
        }
        for one in results
    ]
    failed = sum(not one["passed"] for one in examples)
    return {"pipeline": pipeline, "failed": failed, "examples": examples}


def show_examples(facts: dict[str, Any], screen: Screen) -> str:
    """Return the examples as text: a line each, more for those that came out otherwise."""
    lines = []
    for one in facts["examples"]:
        state = screen.paint("pass", "green") if one["passed"] else screen.paint("FAIL", "red")
        lines.append(f"{state}  {one['stage']}: {escape(one['name'])}")
        if not one["passed"]:
            lines += screen.folded(f"expected: {one['expected']}", 6)
            lines += screen.folded(f"actual:   {one['actual']}", 6)
            lines += screen.folded(one["detail"], 6)
    total = len(facts["examples"])
    if not total:
        return f"{facts['pipeline']} has no examples: add tests/STAGE.yml to it"
    passed = total - facts["failed"]
    return "\n".join([*lines, "", f"{passed} of {total} examples came out as expected"])
