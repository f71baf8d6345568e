r"""Trains an IRN on a characterization release, as an attacker would, and measures the privacy loss.

python -m train.train_irn --release=/tmp/characterization_release --workdir=/tmp/irn

Killed, it resumes; finished, it prints the result again. Watch it with tensorboard --logdir=/tmp/irn.
"""

from flags import irn as irn_flags
from flags import program
from flags import release as release_flags
from flags import run as run_flags
from privynet_tf import representations, runs


def main():
    release = representations.open_release(release_flags.directory(), images_needed=True)
    result = runs.train_irn(
        run_flags.open_run(),
        release,
        irn_flags.architecture(),
        irn_flags.settings(),
        run_flags.verbosity(),
    )
    ridge_psnr = result["ridge"]["psnr"]
    print(
        f"privacy loss (test PSNR) {result['psnr']:.2f} dB, deviation {result['psnr_std']:.2f}, "
        f"95th percentile {result['psnr_p95']:.2f}; ridge decoder {ridge_psnr:.2f} dB"
    )
    if result["psnr"] < ridge_psnr:
        print("The linear decoder beats the IRN: it is under-trained, and the privacy loss is larger.")


if __name__ == "__main__":
    program.run(main)
