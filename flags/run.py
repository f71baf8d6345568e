"""Flags of a binary that keeps what it does in a directory, to be resumed there."""

import pathlib
import sys
from collections.abc import Collection

from absl import flags

from flags import program
from privynet_tf import workdir
from privynet_tf.errors import InputError

WORKDIR = flags.DEFINE_string("workdir", None, "Directory of this run: settings, logs, models, result.")
OVERWRITE = flags.DEFINE_bool("overwrite", False, "Delete an earlier run in --workdir first.")

# Where things are, not what they are: these may differ between a run and its resumption.
_NOT_SETTINGS = ("workdir", "overwrite", "data_dir", "download")


def open_run(without: Collection[str] = ()) -> workdir.Run:
    """The run in ``--workdir``, with the values of the binary's flags as its settings.

    Args:
        without: names of flags that do not count in this run.
    """
    if not WORKDIR.value:
        raise InputError("--workdir must name the directory of this run")
    main_module = flags.FLAGS.flags_by_module_dict().get(sys.argv[0], [])
    settings = {
        flag.name: ",".join(map(str, flag.value)) if isinstance(flag.value, list) else flag.value
        for flag in [*program.flags_of_this_package(), *main_module]
        if flag.name not in (*_NOT_SETTINGS, *without) and flag.value is not None
    }
    return workdir.open_run(pathlib.Path(WORKDIR.value), settings, overwrite=OVERWRITE.value)


def verbosity() -> int:
    """Keras's ``verbose``: a progress bar on a terminal, a line an epoch elsewhere."""
    return 1 if sys.stdout.isatty() else 2
