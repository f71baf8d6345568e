r"""What float16 or int8 on the device does to utility and privacy loss.

python -m eval.compare_formats --images=photos --fen_package=private/fen --formats=keras,int8 --trainings=3

Trains ICN and IRN on what each format gives, and prints a table in Markdown. The FEN package is one of
train.release or eval.rank_channels; the budgets of the trainings are those of the flags, the same for all.
"""

from absl import flags

from flags import icn as icn_flags
from flags import images as image_flags
from flags import irn as irn_flags
from flags import package, program
from flags.irn_images import IRN_IMAGES
from privynet_tf import fen_package, images
from privynet_tf.device import number_formats
from privynet_tf.errors import InputError

_FORMATS = flags.DEFINE_list("formats", list(fen_package.FORMATS), "Formats; the first is compared with.")
_TEST_IMAGES = flags.DEFINE_integer(
    "attacked_images", 1000, "Privacy loss is measured on the first so many test images.", lower_bound=1
)
_TRAININGS = flags.DEFINE_integer(
    "trainings", 1, "Of ICN and IRN with each format, with seeds from 0.", lower_bound=1
)


def main():
    unknown = [name for name in _FORMATS.value if name not in fen_package.FORMATS]
    if unknown or not _FORMATS.value:
        raise InputError(f"--formats must be of {fen_package.FORMATS}. Received: {','.join(_FORMATS.value)}")
    directory = package.directory()
    for name in _FORMATS.value:
        fen_package.transform(directory, name)  # one that is missing is found before anything is trained
    source = image_flags.source()
    splits = {
        name: images.arrays(source, selection) for name, selection in image_flags.selections(source).items()
    }
    effort = number_formats.Effort(
        icn_flags.settings(),
        irn_flags.settings(),
        irn_flags.architecture(),
        IRN_IMAGES.value,
        _TEST_IMAGES.value,
        _TRAININGS.value,
    )
    results, show = [], program.progress("formats")
    for done, name in enumerate(_FORMATS.value, start=1):
        results.append(number_formats.measure(directory, name, splits, len(source.class_names), effort))
        show(done, len(_FORMATS.value))
    print("\n".join(number_formats.lines(results)))


if __name__ == "__main__":
    program.run(main)
