"""Flag: a table of eval.characterize to go by. Of one module, as several binaries have it."""

import pathlib

from absl import flags

from privynet_tf import shipped

_TABLE = flags.DEFINE_string(
    "characterization",
    None,
    f"Table of eval.characterize, or one shipped here: {', '.join(sorted(shipped.CHARACTERIZATIONS))}.",
)


def path() -> pathlib.Path | None:
    """Of the table; None if the flag is unset."""
    return shipped.characterization(_TABLE.value) if _TABLE.value else None


def name() -> str:
    """``--characterization``, as messages name it."""
    return f"--characterization={_TABLE.value or ''}"
