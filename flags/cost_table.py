"""Flag: a table of eval.measure_cost to go by. Of one module, as several binaries have it."""

import pathlib

from absl import flags

from privynet_tf.errors import InputError

_TABLE = flags.DEFINE_string("cost", None, "Table of eval.measure_cost: latency and bytes.")


def path() -> pathlib.Path | None:
    """Of the table; None if the flag is unset."""
    if not _TABLE.value:
        return None
    path = pathlib.Path(_TABLE.value)
    if not path.is_file():
        raise InputError(f"--cost must be the path of a cost table. Received: {path}, which is no file")
    return path
