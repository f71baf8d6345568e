r"""Classifies new images: FEN package -> representation -> ICN -> class.

python -m eval.classify --fen_package=/private/fen --icn=/tmp/icn --files=cat.png,holiday/

Prints a line a class: file, class, probability. The FEN runs as the package's LiteRT model, as on the
device; the ICN is the run directory of train.train_icn, sent back by the cloud.
"""

import csv
import pathlib
import sys

from absl import flags

from flags import package, program
from privynet_tf import classification, cost, fen_package, images
from privynet_tf.errors import InputError

_FEN_FORMAT = flags.DEFINE_enum(
    "fen_format", cost.FORMATS[0], fen_package.FORMATS, "What computes the representations."
)
_ICN = flags.DEFINE_string("icn", None, "Run directory of train.train_icn.", required=True)
_FILES = flags.DEFINE_list("files", None, "Image files, or folders of them.", required=True)
_TOP = flags.DEFINE_integer("top", 1, "So many classes of each image, most probable first.", lower_bound=1)


def files() -> list[pathlib.Path]:
    found = []
    for name in _FILES.value:
        path = pathlib.Path(name)
        if not path.exists():
            raise InputError(f"--files: there is no {path}")
        inside = sorted(path.rglob("*")) if path.is_dir() else [path]
        found += [file for file in inside if file == path or file.suffix.lower() in images.IMAGE_SUFFIXES]
    if not found:
        raise InputError(f"--files holds no image; expected files {images.IMAGE_SUFFIXES}")
    return found


def main():
    paths, directory = files(), package.directory()
    fen = fen_package.transform(directory, _FEN_FORMAT.value)
    icn, class_names = classification.load_icn(pathlib.Path(_ICN.value))
    pixels = images.read_files(paths, fen_package.load(directory).input_shape[1])
    values = classification.probabilities(fen, icn, pixels)
    csv.writer(sys.stdout, lineterminator="\n").writerows(
        [["file", "class", "probability"], *classification.table(paths, class_names, values, _TOP.value)]
    )


if __name__ == "__main__":
    program.run(main)
