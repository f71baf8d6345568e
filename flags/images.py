"""Flags: which labelled images, and how they are split."""

from absl import flags

from flags import seed
from privynet_tf import images

_IMAGES = flags.DEFINE_string(
    "images", "digits", "'digits', a TFDS dataset such as 'cifar10', or a folder of class folders."
)
_DATA_DIR = flags.DEFINE_string("data_dir", None, "Where TFDS keeps its data; its own default if unset.")
_IMAGE_SIZE = flags.DEFINE_integer("image_size", 32, "Images are resized to this many pixels.", lower_bound=1)
DOWNLOAD = flags.DEFINE_bool("download", False, "Allow the download of missing datasets and weights.")
_TRAIN = flags.DEFINE_string("train_split", "train[:90%]", "Images to train on, in TFDS's split syntax.")
_VALIDATION = flags.DEFINE_string("validation_split", "train[90%:]", "Images to watch training with.")
_TEST = flags.DEFINE_string("test_split", "test", "Images to report on.")
_COPIES = flags.DEFINE_integer(
    "augmented_copies",
    0,
    "Copies of each training image with random brightness and contrast, beside the image itself.",
    lower_bound=0,
)


def source() -> images.LabelledImages:
    """Opens ``--images``."""
    return images.load(_IMAGES.value, _IMAGE_SIZE.value, _DATA_DIR.value, download=DOWNLOAD.value)


def image_size() -> int:
    return _IMAGE_SIZE.value


def selections(source: images.LabelledImages) -> dict[str, images.Selection]:
    """Which images make the ``train``, ``validation`` and ``test`` splits; raises if one is empty."""
    chosen = {
        "train": images.Selection(_TRAIN.value, augmented_copies=_COPIES.value, seed=seed.SEED.value),
        "validation": images.Selection(_VALIDATION.value),
        "test": images.Selection(_TEST.value),
    }
    for selection in chosen.values():
        source.num_images(selection.split)
    return chosen
