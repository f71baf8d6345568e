"""A run is a directory: the settings it was made with, what it left, and last its result.

``settings.txt`` comes first and ``result.json`` last, each written atomically. A finished run is
recognised and skipped, a killed one resumed, and one made with other settings is refused.
"""

import contextlib
import dataclasses
import fcntl
import json
import os
import pathlib
import shutil
from collections.abc import Iterator, Mapping

from privynet_tf.errors import InputError

SETTINGS = "settings.txt"
RESULT = "result.json"


@dataclasses.dataclass(frozen=True)
class Run:
    """An opened run.

    Attributes:
        directory: which exists.
        result: what ``finish`` recorded; None while the run is unfinished.
    """

    directory: pathlib.Path
    result: dict | None


def open_run(directory: pathlib.Path, settings: Mapping[str, object], *, overwrite: bool = False) -> Run:
    """Opens a new, unfinished or finished run.

    Args:
        directory: of the run; made if absent.
        settings: names and values that determine the result.
        overwrite: deletes an earlier run in ``directory`` first.

    Raises:
        InputError: if the directory holds a run with other settings, or files but no run, or is a file.
    """
    lines = [f"--{name}={value}" for name, value in sorted(settings.items())]
    recorded = directory / SETTINGS
    if directory.exists() and not directory.is_dir():
        raise InputError(f"{directory} is a file; choose a directory for the run")
    # A start that was killed leaves its partial settings.
    held = set(directory.iterdir()) - {_partial(recorded)} if directory.exists() else set()
    if held and recorded not in held:
        raise InputError(f"{directory} holds files but no run ({SETTINGS} is missing); choose another")
    if recorded.exists() and overwrite:
        _delete(directory)
    if recorded.exists():
        differing = sorted(set(recorded.read_text().splitlines()) ^ set(lines))
        if differing:
            names = sorted({line.split("=")[0] for line in differing})
            before = [line for line in recorded.read_text().splitlines() if line in differing]
            raise InputError(
                f"{directory} holds a run with other settings; {', '.join(names)} differ (there: "
                f"{' '.join(before) or 'not set'}); pass --overwrite to start afresh, or another "
                "directory"
            )
    else:
        directory.mkdir(parents=True, exist_ok=True)
        write_atomically(recorded, "\n".join(lines) + "\n")
    result = directory / RESULT
    return Run(directory, json.loads(result.read_text()) if result.exists() else None)


def read_result(directory: pathlib.Path) -> dict:
    """The result of a finished run; raises an OSError or ValueError if there is none."""
    return dict(json.loads((directory / RESULT).read_text()))


def finish(run: Run, result: Mapping[str, object]) -> None:
    """Records the result (of JSON types), which makes the run a finished one."""
    write_atomically(run.directory / RESULT, json.dumps(result, indent=2) + "\n")


@contextlib.contextmanager
def locked(directory: pathlib.Path) -> Iterator[None]:
    """Makes the directory; one holder at a time. The system drops the lock of a killed process."""
    directory.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def write_atomically(path: pathlib.Path, text: str) -> None:
    """Writes a text file that is either absent, as it was before, or complete."""
    partial = _partial(path)
    partial.write_text(text)
    os.replace(partial, path)


def _delete(directory: pathlib.Path) -> None:
    """Under another name, so that a kill leaves no run without its settings."""
    doomed = directory.with_name(f".{directory.name}.deleted")
    if doomed.exists():
        shutil.rmtree(doomed)
    directory.rename(doomed)
    shutil.rmtree(doomed)


def _partial(path: pathlib.Path) -> pathlib.Path:
    return path.with_name(f".{path.name}.partial")
