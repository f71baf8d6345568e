r"""Chooses a topology under limits on privacy loss and cost; section 3.3 of the paper.

python -m eval.plan_topology --characterization=imagenet --cost=/tmp/cost/table.csv \
    --max_psnr=17 --max_latency_ms=5 --max_bytes=200000 --out=/tmp/plan

Prints the plan in words and leaves plan.json, plan.md and two figures. They name m and D', which an attacker
must not know: they stay with the FEN package. Limits that cannot be met leave plan.md, which says what binds
and what would be needed, and exit code 1.
"""

from flags import output, program
from flags import planning as planning_flags
from privynet_tf.planning import plan_files, plan_report


def main():
    limits = planning_flags.limits()
    out = output.directory("the plan")
    available = planning_flags.available()
    plan = plan_files.choose(
        out, limits, available, planning_flags.STRATEGY.value, planning_flags.TOLERANCE.value
    )
    print("\n".join(plan_report.lines(plan)))
    print(f"plan: {out / plan_files.PLAN}")


if __name__ == "__main__":
    program.run(main)
