"""How every binary runs: one-line errors, progress, and flags that --help shows."""

import sys
from collections.abc import Callable

import keras
from absl import app, flags, logging

from privynet_tf.errors import InputError


def run(main: Callable[[], None]) -> None:
    """Runs ``main`` under absl, the same from the same seed; bad input becomes one line and exit code 1."""

    def guarded(argv):
        try:
            if len(argv) > 1:
                raise InputError(f"unexpected arguments {argv[1:]}; flags are --name=value")
            main()
        except InputError as error:
            sys.exit(f"error: {error}")

    for flag in flags_of_this_package():
        flags.FLAGS.register_key_flag_for_module(sys.argv[0], flag)  # shown by --help
    logging.set_verbosity(logging.ERROR)  # TFDS tells of every file that it opens
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
    app.run(guarded)


def flags_of_this_package() -> list[flags.Flag]:
    """The flags of the modules here that the binary has imported."""
    modules = flags.FLAGS.flags_by_module_dict()
    return [flag for module in modules if module.startswith("flags.") for flag in modules[module]]


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
