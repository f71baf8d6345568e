r"""Chooses a topology under limits on privacy loss and cost; section 3.3 of the paper.

python -m eval.plan_topology --characterization=imagenet --cost=/tmp/cost/table.csv \
    --max_psnr=17 --max_latency_ms=5 --max_bytes=200000 --out=/tmp/plan

Prints the plan in words and leaves plan.json, plan.md and two figures. They name m and D', which an attacker
must not know: they stay with the FEN package. Limits that cannot be met leave plan.md, which says what binds
and what would be needed, and exit code 1.
"""

import pathlib

from flags import planning as planning_flags
from flags import program
from privynet_tf import figures, plan_report, planner, planning_figures, workdir
from privynet_tf.candidates import Candidates
from privynet_tf.plans import Limits, Plan

FILES = ("plan.json", "plan.md", "figure8.png", "figure8.svg", "pareto.png", "pareto.svg")


def write(
    out: pathlib.Path, lines: list[str], available: Candidates, limits: Limits, plan: Plan | None
) -> None:
    """The report with its figures, and the plan, if there is one."""
    out.mkdir(parents=True, exist_ok=True, mode=0o700)
    chosen = plan and plan.promised
    for name, draw in (
        ("figure8", planning_figures.privacy_against_cost),
        ("pareto", planning_figures.pareto_front),
    ):
        figures.save(draw(available.topologies, limits, chosen), out / name)
    workdir.write_atomically(out / "plan.md", "\n".join(lines))
    if plan:
        workdir.write_atomically(out / "plan.json", plan.to_json() + "\n")
    else:
        (out / "plan.json").unlink(missing_ok=True)  # an earlier one, of other limits
    for path in out.iterdir():
        if path.name in FILES:
            path.chmod(0o600)


def main():
    limits = planning_flags.limits()
    out = planning_flags.out()
    available = planning_flags.available()
    try:
        plan = planner.choose(
            limits, available, planning_flags.STRATEGY.value, planning_flags.TOLERANCE.value
        )
    except planner.InfeasibleLimits as error:
        write(out, plan_report.infeasible(error), available, limits, None)
        raise
    lines = plan_report.lines(plan)
    write(out, lines, available, limits, plan)
    print("\n".join(lines))
    print(f"plan: {out / 'plan.json'}")


if __name__ == "__main__":
    program.run(main)
