"""SHA-256 sums of the files of a directory, in a file that ``sha256sum -c`` reads."""

import hashlib
import pathlib

from privynet_tf.errors import InputError

NAME = "SHA256SUMS"


def write(directory: pathlib.Path) -> None:
    """Records the sum of every file that is in a directory now."""
    lines = [f"{_sha256(directory / name)}  {name}\n" for name in _files(directory)]
    (directory / NAME).write_text("".join(lines))


def check(directory: pathlib.Path, what: str) -> None:
    """Checks that a directory holds the files that ``write`` saw, unchanged, and no other.

    Args:
        directory: to check.
        what: it should be, for messages; e.g. ``release``.

    Raises:
        InputError: naming the first file that is missing, does not match or does not belong.
    """
    if not (directory / NAME).is_file():
        raise InputError(f"{directory} is no {what}: it has no {NAME}")
    recorded = {}
    for line in (directory / NAME).read_text(errors="replace").splitlines():
        checksum, _, name = line.partition("  ")
        recorded[name] = checksum
    present = _files(directory)
    for name in sorted(set(recorded) | set(present)):
        if name not in present:
            raise InputError(f"{what} {directory} is incomplete: {name} is missing")
        if name not in recorded:
            raise InputError(f"{what} {directory} was edited: {name} does not belong to it")
        if _sha256(directory / name) != recorded[name]:
            raise InputError(f"{what} {directory} is truncated or edited: {name} does not match")


def _files(directory: pathlib.Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir() if path.name != NAME)


def _sha256(path: pathlib.Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
