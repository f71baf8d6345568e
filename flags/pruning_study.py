"""Flags: the study of pruning (figures 10 to 13); the defaults are the paper's, but for half its sets."""

from absl import flags

from flags import study
from privynet_tf.errors import InputError

SCORES, SETS, REPORT = "scores", "sets", "report"
_MINIBATCHES = flags.DEFINE_list(
    "study_minibatches", ["10", "20", "50"], "Numbers of minibatches of 128 images to score channels by."
)
REPEATS = flags.DEFINE_integer("repeats", 20, "Random draws of the images to score by.", lower_bound=2)
EXPERIMENTS = flags.DEFINE_integer(
    "experiments", 10, "Random sets of channels in each setting; the paper has 20.", lower_bound=2
)

# Of a grid; the study has its own sets of channels.
_INSTEAD = {
    "networks": "--network",
    "layers": "--num_layers",
    "depths": "--output_depth",
    "random_sets": "--experiments",
    "single_channels": "--characterization",
    "channel_set": "--experiments",
    "seeds": "--experiments",
    "channel_seed": "--experiments",
    "minibatches": "--study_minibatches",
}


def steps() -> set[str]:
    """The steps to take."""
    for name, instead in _INSTEAD.items():
        if flags.FLAGS[name].present:
            raise InputError(f"--{name} is not for this study; see {instead}")
    return study.steps((SCORES, SETS, REPORT))


def minibatches() -> list[int]:
    """``--study_minibatches``, ascending."""
    try:
        numbers = sorted({int(text) for text in _MINIBATCHES.value})
    except ValueError:
        numbers = []
    if not numbers or numbers[0] < 1:
        raise InputError(
            f"--study_minibatches must be whole numbers from 1. Received: {','.join(_MINIBATCHES.value)}"
        )
    return numbers
