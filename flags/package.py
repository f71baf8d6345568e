"""Flag: the FEN package. Of one module, as several binaries have it."""

import pathlib

from absl import flags

from privynet_tf.errors import InputError

_PACKAGE = flags.DEFINE_string(
    "fen_package",
    None,
    "Directory of the FEN, which stays here. Where it can be made from other flags, it is, if absent.",
)


NAME = _PACKAGE.name


def directory() -> pathlib.Path:
    if not _PACKAGE.value:
        raise InputError("--fen_package must name the directory of the FEN")
    return pathlib.Path(_PACKAGE.value)
