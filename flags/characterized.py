"""Flag: a table of eval.characterize to go by. Of one module, as several binaries have it."""

import pathlib

from absl import flags

from privynet_tf import shipped
from privynet_tf.errors import InputError

_TABLE = flags.DEFINE_string(
    "characterization",
    None,
    f"Table of eval.characterize, or one shipped here: {', '.join(sorted(shipped.CHARACTERIZATIONS))}.",
)


def path() -> pathlib.Path | None:
    """Of the table; None if the flag is unset."""
    return shipped.characterization(_TABLE.value) if _TABLE.value else None


def needed(default: str | None = None) -> pathlib.Path:
    """Of the table, which must be given if ``default`` is not the name of a shipped one."""
    if not _TABLE.value and default not in shipped.CHARACTERIZATIONS:
        raise InputError(
            f"--characterization must be one of {sorted(shipped.CHARACTERIZATIONS)} or the path of a table"
        )
    return shipped.characterization(_TABLE.value or default)


def name(default: str | None = None) -> str:
    """``--characterization``, as messages name it."""
    return f"--characterization={_TABLE.value or default or ''}"
