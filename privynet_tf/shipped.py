"""Characterization tables that come with the package, by name."""

import importlib.resources
import pathlib

from privynet_tf.errors import InputError

CHARACTERIZATIONS = {
    "imagenet": "vgg16_imagenet_cifar10.csv",
    "embedded": "vgg16_embedded_digits.csv",
}
"""Weights of the FEN -> file in ``privynet_tf/tables_data``: for the paper's images, and for those that are
always there."""


def characterization(name: str) -> pathlib.Path:
    """The table of a name in ``CHARACTERIZATIONS``, or at a path.

    Raises:
        InputError: if there is no such file.
    """
    if name in CHARACTERIZATIONS:
        path = pathlib.Path(
            importlib.resources.files("privynet_tf") / "tables_data" / CHARACTERIZATIONS[name]
        )
        if not path.is_file():
            raise InputError(
                f"--characterization={name} is not shipped with this version ({path} is missing); pass the "
                "path of a table of eval.characterize"
            )
        return path
    path = pathlib.Path(name)
    if not path.is_file():
        raise InputError(
            f"--characterization must be one of {sorted(CHARACTERIZATIONS)} or the path of a table. "
            f"Received: {name!r}, which is no file"
        )
    return path
