"""Flags: a release that is written or read."""

import pathlib

from absl import flags

from privynet_tf import representations
from privynet_tf.errors import InputError

_RELEASE = flags.DEFINE_string("release", None, "Directory of the release.")
_DTYPE = flags.DEFINE_enum(
    "release_dtype", "float16", representations.DTYPES, "Type of the stored representations."
)


def directory() -> pathlib.Path:
    if not _RELEASE.value:
        raise InputError("--release must name the directory of the release")
    return pathlib.Path(_RELEASE.value)


def dtype() -> str:
    return _DTYPE.value
