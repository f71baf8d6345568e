r"""Makes a release: representations and labels of private images, to be sent to the cloud.

python -m train.release --images=cifar10 --fen_weights=imagenet --num_layers=6 --output_depth=8 \
    --fen_package=/private/fen --release=/tmp/release

The FEN in --fen_package stays here; it is made first if it is not there. --with_images adds the images,
for the characterization on public data with the same FEN. --fen_format=int8 computes representations as a
device with the int8 model does.
"""

from absl import flags

from flags import fen as fen_flags
from flags import images as image_flags
from flags import program
from flags import release as release_flags
from privynet_tf import flow
from privynet_tf.errors import InputError

_WITH_IMAGES = flags.DEFINE_bool("with_images", False, "Also release the images: public data only.")


def main():
    directory = release_flags.directory()
    if directory.exists():
        raise InputError(f"--release={directory} already exists; a release is never changed")
    source = image_flags.source()
    selections = image_flags.selections(source)
    flow.write_release(
        directory,
        source,
        selections,
        fen_flags.kept(source, selections),
        with_images=_WITH_IMAGES.value,
        dtype=release_flags.dtype(),
        progress=program.progress("representations"),
    )
    print(f"release: {directory}")


if __name__ == "__main__":
    program.run(main)
