r"""Trains an ICN on a release, as the cloud does, and measures the utility.

python -m train.train_icn --release=/tmp/release --workdir=/tmp/icn

Killed, it resumes; finished, it prints the result again. Watch it with tensorboard --logdir=/tmp/icn.
"""

from flags import icn as icn_flags
from flags import program
from flags import release as release_flags
from flags import run as run_flags
from privynet_tf import representations, runs


def main():
    release = representations.open_release(release_flags.directory())
    result = runs.train_icn(run_flags.open_run(), release, icn_flags.settings(), run_flags.verbosity())
    print(f"utility (test accuracy) {result['utility']:.1%}, class prior {result['class_prior']:.1%}")


if __name__ == "__main__":
    program.run(main)
