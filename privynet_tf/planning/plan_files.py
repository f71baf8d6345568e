"""The files of a plan: ``plan.json``, its report and its figures, for the owner alone."""

import pathlib
from collections.abc import Sequence

from privynet_tf import figures, workdir
from privynet_tf.planning import plan_report, planner, planning_figures
from privynet_tf.planning.candidates import Candidates
from privynet_tf.planning.plans import Limits, Plan

PLAN = "plan.json"
FILES = (PLAN, "plan.md", "figure8.png", "figure8.svg", "pareto.png", "pareto.svg")


def choose(
    directory: pathlib.Path,
    limits: Limits,
    available: Candidates,
    strategy: str = "hierarchical",
    utility_tolerance: float | None = None,
) -> Plan:
    """``planner.choose``, which leaves its answer in a directory; ``plan.json`` is written last.

    Limits that cannot be met leave the report and the figures, and no ``plan.json``.

    Raises:
        InfeasibleLimits: if no topology meets the limits.
        InputError: if the tables do not hold what the limits ask for; nothing is written then.
    """
    try:
        plan = planner.choose(limits, available, strategy, utility_tolerance)
    except planner.InfeasibleLimits as error:
        _write(directory, plan_report.infeasible(error), available, limits, None)
        raise
    _write(directory, plan_report.lines(plan), available, limits, plan)
    return plan


def read(directory: pathlib.Path) -> Plan | None:
    """The plan in a directory; None if there is none. Raises an InputError if it is not one of ours."""
    path = directory / PLAN
    return Plan.from_json(path.read_text()) if path.exists() else None


def _write(
    directory: pathlib.Path, lines: Sequence[str], available: Candidates, limits: Limits, plan: Plan | None
) -> None:
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    (directory / PLAN).unlink(missing_ok=True)  # an earlier one, maybe of other limits
    chosen = plan and plan.promised
    for name, draw in (
        ("figure8", planning_figures.privacy_against_cost),
        ("pareto", planning_figures.pareto_front),
    ):
        figures.save(draw(available.topologies, limits, chosen), directory / name)
    workdir.write_atomically(directory / "plan.md", "\n".join(lines))
    if plan:
        workdir.write_atomically(directory / PLAN, plan.to_json() + "\n")
    for path in directory.iterdir():
        if path.name in FILES:
            path.chmod(0o600)
