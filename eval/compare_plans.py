r"""Promised against delivered over several runs of train.run_privynet from limits, as a table in Markdown.

python -m eval.compare_plans --runs=runs/plan_17,runs/plan_20

Runs that have not finished are left out, and named.
"""

import pathlib
import sys

from absl import flags

from flags import program
from privynet_tf import workdir
from privynet_tf.errors import InputError
from privynet_tf.planning import delivery

_RUNS = flags.DEFINE_list("runs", None, "Directories of runs of train.run_privynet.")


def records() -> dict[str, dict]:
    """Of the finished runs, by the name of their directory.

    Raises:
        InputError: if no directory is given, one is no run from limits, or none is finished.
    """
    if not _RUNS.value:
        raise InputError("--runs must name directories of runs of train.run_privynet")
    found = {}
    for path in map(pathlib.Path, _RUNS.value):
        if not (path / workdir.SETTINGS).is_file():
            raise InputError(f"{path} is no run of train.run_privynet")
        try:
            result = workdir.read_result(path)
        except OSError:
            print(f"{path} has not finished", file=sys.stderr)
            continue
        if "delivery" not in result:
            raise InputError(f"{path} is a run without limits: nothing was promised")
        found[path.name] = result["delivery"]
    if not found:
        raise InputError("none of the runs has finished")
    return found


def main():
    print("\n".join(delivery.comparison(records())))


if __name__ == "__main__":
    program.run(main)
