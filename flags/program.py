"""How every binary runs: one-line errors, progress, and a run directory with its settings."""

import pathlib
import sys
from collections.abc import Callable, Collection

import keras
from absl import app, flags, logging

from privynet_tf import workdir
from privynet_tf.errors import InputError

WORKDIR = flags.DEFINE_string("workdir", None, "Directory of this run: settings, logs, models, result.")
OVERWRITE = flags.DEFINE_bool("overwrite", False, "Delete an earlier run in --workdir first.")
SEED = flags.DEFINE_integer("seed", 0, "Seed of initial weights, data order and random draws.", lower_bound=0)

# Where things are, not what they are: these may differ between a run and its resumption.
_NOT_SETTINGS = ("workdir", "overwrite", "data_dir", "download")


def run(main: Callable[[], None]) -> None:
    """Runs ``main`` under absl, the same from the same seed; bad input becomes one line and exit code 1."""

    def guarded(argv):
        try:
            if len(argv) > 1:
                raise InputError(f"unexpected arguments {argv[1:]}; flags are --name=value")
            main()
        except InputError as error:
            sys.exit(f"error: {error}")

    for flag in _flags_of_this_package():
        flags.FLAGS.register_key_flag_for_module(sys.argv[0], flag)  # shown by --help
    logging.set_verbosity(logging.ERROR)  # TFDS tells of every file that it opens
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
    app.run(guarded)


def _flags_of_this_package() -> list[flags.Flag]:
    modules = flags.FLAGS.flags_by_module_dict()
    return [flag for module in modules if module.startswith("flags.") for flag in modules[module]]


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
        for flag in [*_flags_of_this_package(), *main_module]
        if flag.name not in (*_NOT_SETTINGS, *without) and flag.value is not None
    }
    return workdir.open_run(pathlib.Path(WORKDIR.value), settings, overwrite=OVERWRITE.value)


def verbosity() -> int:
    """Keras's ``verbose``: a progress bar on a terminal, a line an epoch elsewhere."""
    return 1 if sys.stdout.isatty() else 2


def progress(what: str) -> Callable[[int, int], None]:
    """A callback that prints how much is done, on one line of a terminal or every tenth elsewhere."""
    shown = -1

    def show(done: int, total: int) -> None:
        nonlocal shown
        tenths = 10 * done // total
        if sys.stderr.isatty():
            print(f"\r{what}: {done:,}/{total:,}", end="\n" if done == total else "", file=sys.stderr)
        elif tenths > shown:
            print(f"{what}: {done:,}/{total:,}", file=sys.stderr)
        shown = tenths

    return show
