"""Flags: which FENs a table of costs has, and how they are measured."""

import pathlib

from absl import flags

from flags import run as run_flags
from privynet_tf import cost
from privynet_tf.device import cost_measurement, latency
from privynet_tf.errors import InputError
from privynet_tf.networks import NETWORKS
from privynet_tf.topology import FenTopology

_NETWORKS = flags.DEFINE_list("cost_networks", sorted(NETWORKS), "Pre-trained networks.")
_LAYERS = flags.DEFINE_list("cost_layers", [], "Numbers of layers m; pools count. All of a network if unset.")
_DEPTHS = flags.DEFINE_list("cost_depths", ["all", "8"], "Output depths D', numbers or 'all'.")
_INTERMEDIATE = flags.DEFINE_multi_string(
    "intermediate_depths",
    [],
    "Numbers of kept channels of every convolution, e.g. 32,64,128,8 (figures 14 and 15); may be repeated.",
)
_FORMATS = flags.DEFINE_list("cost_formats", list(cost.FORMATS), "Formats of LiteRT models.")
_IMAGE_SIZE = flags.DEFINE_integer("cost_image_size", 32, "Height and width of the images.", lower_bound=1)
_THREADS = flags.DEFINE_list(
    "latency_threads", list(map(str, latency.default_threads())), "Numbers of threads of LiteRT."
)
_REPEATS = flags.DEFINE_integer(
    "latency_repeats", latency.Effort.repeats, "Timed calls of each model.", lower_bound=1
)
_WARMUP = flags.DEFINE_integer("latency_warmup", latency.Effort.warmup, "Calls before them.", lower_bound=1)
_BATCH = flags.DEFINE_integer("latency_batch", latency.Effort.batch, "Images in a call.", lower_bound=1)
_DEVICE = flags.DEFINE_string("latency_device", latency.device_name(), "Name of this device in the table.")
WITH_KERAS = flags.DEFINE_bool("latency_of_keras", True, "Also measure Keras's compiled function.")
_EXPORT = flags.DEFINE_string(
    "export", None, "Measure nothing; write models and script for another device into this directory."
)
_TABLES = flags.DEFINE_multi_string(
    "cost_table", [], "A table of another device, to be drawn beside this one's; may be repeated."
)


def topologies() -> list[FenTopology]:
    _check_names("cost_networks", _NETWORKS.value, sorted(NETWORKS))
    chosen = cost_measurement.topologies(
        _NETWORKS.value,
        _numbers("cost_layers", _LAYERS.value),
        [text if text == cost_measurement.ALL else _number("cost_depths", text) for text in _DEPTHS.value],
        intermediate_depths(),
    )
    for topology in chosen:
        topology.output_shape(image_size())  # an image too small is found before anything is written
    return chosen


def intermediate_depths() -> list[list[int]]:
    """Kept channels of every convolution, by setting; none if ``--intermediate_depths`` is unset."""
    return [_numbers("intermediate_depths", text.split(",")) for text in _INTERMEDIATE.value]


def networks() -> list[str]:
    return _NETWORKS.value


def number_formats() -> list[str]:
    _check_names("cost_formats", _FORMATS.value, cost.FORMATS)
    return _FORMATS.value


def image_size() -> int:
    return _IMAGE_SIZE.value


def threads() -> list[int]:
    return _numbers("latency_threads", _THREADS.value)


def effort() -> latency.Effort:
    return latency.Effort(_REPEATS.value, _WARMUP.value, _BATCH.value)


def device() -> str:
    if not _DEVICE.value:
        raise InputError("--latency_device must name the device, e.g. its CPU")
    return _DEVICE.value


def export_directory() -> pathlib.Path | None:
    return pathlib.Path(_EXPORT.value) if _EXPORT.value else None


def table() -> pathlib.Path:
    if not run_flags.WORKDIR.value:
        raise InputError("--workdir must name the directory of the table")
    return pathlib.Path(run_flags.WORKDIR.value) / latency.TABLE


def other_tables() -> list[pathlib.Path]:
    return [pathlib.Path(text) for text in _TABLES.value]


def _check_names(flag: str, names: list[str], allowed: list[str]) -> None:
    unknown = [name for name in names if name not in allowed]
    if unknown or not names:
        raise InputError(f"--{flag} must be of {list(allowed)}. Received: {','.join(unknown) or 'none'}")


def _numbers(flag: str, texts: list[str]) -> list[int]:
    return [_number(flag, text) for text in texts]


def _number(flag: str, text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise InputError(f"--{flag} must be whole numbers from 1. Received: {text!r}")
    return int(text)
