"""Flags: the study of intermediate channel selection (figures 14 and 15); the settings are the paper's."""

from absl import flags

from flags import cost as cost_flags
from flags import fen as fen_flags
from flags import images as image_flags
from flags import study
from privynet_tf.errors import InputError
from privynet_tf.studies import intermediate_study
from privynet_tf.studies.intermediate_study import Study

SCORES, SETS, COST, REPORT = "scores", "sets", "cost", "report"

_DRAWS = flags.DEFINE_integer(
    "draws", 5, "Random sets of --output_depth released channels, by --channel_seed.", lower_bound=2
)
_STRATEGIES = flags.DEFINE_list(
    "strategies",
    list(intermediate_study.STRATEGIES),
    "How intermediate channels are kept: 'drawn' at random, 'discriminative' by the largest J.",
)
SCORE_IMAGES = flags.DEFINE_integer(
    "score_images", 6400, "At most so many training images tell of the J of a channel.", lower_bound=2
)

# Of a grid or a table of costs; the study has its own.
_INSTEAD = {
    "networks": "--network",
    "layers": "--num_layers",
    "depths": "--intermediate_depths",
    "output_depth": "--intermediate_depths",
    "intermediate_channels": "--intermediate_depths",
    "random_sets": "--draws",
    "single_channels": "--draws",
    "channel_set": "--draws",
    "seeds": "--draws",
    "cost_networks": "--network",
    "cost_layers": "--num_layers",
    "cost_depths": "--intermediate_depths",
    "cost_image_size": "--image_size",
    "cost_formats": "eval.measure_cost",
    "latency_threads": "eval.measure_cost",
    "latency_batch": "eval.measure_cost",
}


def steps() -> set[str]:
    """The steps to take."""
    for name, instead in _INSTEAD.items():
        if flags.FLAGS[name].present:
            raise InputError(f"--{name} is not for this study; see {instead}")
    return study.steps((SCORES, SETS, COST, REPORT))


def of_flags() -> Study:
    """The study that the flags describe."""
    topology = fen_flags.ranked()
    return Study(
        topology.network,
        topology.num_layers,
        [tuple(depths) for depths in cost_flags.intermediate_depths()] or intermediate_study.SETTINGS,
        tuple(_STRATEGIES.value),
        _DRAWS.value,
        flags.FLAGS.channel_seed or 0,
    )


def made(network: str) -> dict[str, object]:
    """What scores of channels must have been made from, as far as the flags know it."""
    return {
        "network": network,
        "weights": fen_flags.weights_identity(network),
        "preprocessing": flags.FLAGS.preprocessing,
        "image_size": image_flags.image_size(),
    }


def device() -> str | None:
    """``--latency_device`` if it is given."""
    return cost_flags.device() if flags.FLAGS["latency_device"].present else None
