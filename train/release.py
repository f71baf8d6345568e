r"""Makes a release: representations and labels of private images, to be sent to the cloud.

python -m train.release --images=cifar10 --fen_weights=imagenet --num_layers=6 --output_depth=8 \
    --fen_package=/private/fen --release=/tmp/release

--with_images adds the images, for the characterization on public data.
"""

import pathlib

from absl import flags

from flags import fen as fen_flags
from flags import images as image_flags
from flags import program
from flags import release as release_flags
from privynet_tf import fen, flow
from privynet_tf.errors import InputError

_WITH_IMAGES = flags.DEFINE_bool("with_images", False, "Also release the images: public data only.")
_FEN_PACKAGE = flags.DEFINE_string(
    "fen_package", None, "Directory for the FEN that was used. It stays here: it is not released."
)


def main():
    directory = release_flags.directory()
    if not _FEN_PACKAGE.value:
        raise InputError("--fen_package must name a directory, to keep the FEN for new images")
    package = pathlib.Path(_FEN_PACKAGE.value)
    if package.exists():
        raise InputError(f"--fen_package={package} already exists")
    if directory.exists():
        raise InputError(f"--release={directory} already exists; a release is never changed")
    source = image_flags.source()
    topology = fen_flags.topology()
    model = fen_flags.build(topology)
    flow.write_release(
        directory,
        source,
        image_flags.selections(),
        model,
        with_images=_WITH_IMAGES.value,
        dtype=release_flags.dtype(),
        progress=program.progress("representations"),
    )
    fen.save_package(model, topology, package)
    print(f"release: {directory}\nFEN package (private): {package}")


if __name__ == "__main__":
    program.run(main)
