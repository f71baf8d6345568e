"""Runs pytest on one file beside this one: what a py_test of Bazel calls."""

import os
import pathlib
import sys

import pytest


def main(argv: list[str]) -> int:
    # Not resolved: the runfiles, which hold what the BUILD file declares, not the checkout they link to.
    directory = pathlib.Path(__file__).parent
    # For the programs that tests start; not every version of Bazel's rules hands its path down.
    path = [str(directory.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ["PYTHONPATH"] = os.pathsep.join(path)
    options = ["-p", "no:cacheprovider"]
    if "XML_OUTPUT_FILE" in os.environ:
        options.append(f"--junitxml={os.environ['XML_OUTPUT_FILE']}")
    if "TEST_TMPDIR" in os.environ:
        options.append(f"--basetemp={os.environ['TEST_TMPDIR']}/pytest")
        # Bazel unsets it; Keras and Matplotlib then look for the user's, which no test may depend on.
        os.environ["HOME"] = os.environ["TEST_TMPDIR"]
    # Not 0 where no test was collected, so a misspelt name of a test cannot pass.
    return pytest.main([str(directory / argv[1]), *options, *argv[2:]])


if __name__ == "__main__":
    sys.exit(main(sys.argv))
