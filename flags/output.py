"""Flag: where a binary that is no run writes to. Of one module, as several binaries have it."""

import pathlib

from absl import flags

from privynet_tf.errors import InputError

_OUT = flags.DEFINE_string("out", None, "Directory to write to.")


def directory(of: str) -> pathlib.Path:
    """``--out``, which must be given.

    Args:
        of: what is written there, for the error.
    """
    if not _OUT.value:
        raise InputError(f"--out must name the directory of {of}")
    return pathlib.Path(_OUT.value)
