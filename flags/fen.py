"""Flags: the topology of the FEN, and how it is built."""

import dataclasses
from collections.abc import Callable, Mapping

import keras
import numpy as np
from absl import flags

from flags import images as image_flags
from flags import package as package_flags
from flags import seed
from privynet_tf import cost, fen, fen_package, litert, pretrained, pruning
from privynet_tf.errors import InputError
from privynet_tf.images import LabelledImages, Selection
from privynet_tf.networks import NETWORKS
from privynet_tf.topology import FenTopology, depth_of

_NETWORK = flags.DEFINE_enum("network", "vgg16", sorted(NETWORKS), "Pre-trained network.")
_NUM_LAYERS = flags.DEFINE_integer("num_layers", 6, "m: layers of the FEN; pools count.")
_OUTPUT_DEPTH = flags.DEFINE_integer(
    "output_depth", 8, "D': released channels, drawn at random unless --output_channels names them."
)
_OUTPUT_CHANNELS = flags.DEFINE_list("output_channels", None, "Released channels, e.g. 3,17,40.")
_INTERMEDIATE = flags.DEFINE_multi_string(
    "intermediate_channels",
    [],
    "Kept channels of a convolution before the last, e.g. block1_conv1=0,5,9; may be repeated.",
)
_CHANNEL_SEED = flags.DEFINE_integer(
    "channel_seed",
    None,
    "Seed of the draw of released channels, for studies. Unset, the operating system's entropy is "
    "used, as a real selection must: a seed can be guessed.",
)
_WEIGHTS = flags.DEFINE_string(
    "fen_weights", "embedded", "'imagenet', 'embedded', 'random' or the path of a Keras HDF5 file."
)
_PREPROCESSING = flags.DEFINE_enum("preprocessing", "caffe", fen.PREPROCESSING, "Of the FEN's images.")
_LITERT_FORMATS = flags.DEFINE_list(
    "litert_formats",
    list(cost.FORMATS),
    "LiteRT models in the FEN package. int8 takes its ranges from the first training images.",
)
_FEN_FORMAT = flags.DEFINE_enum(
    "fen_format",
    fen_package.KERAS,
    fen_package.FORMATS,
    "What computes the representations: the Keras model, or a LiteRT model as the device does.",
)

OF_THE_TOPOLOGY = tuple(
    holder.name for holder in (_NETWORK, _NUM_LAYERS, _OUTPUT_DEPTH, _OUTPUT_CHANNELS, _INTERMEDIATE)
)
"""The flags that a plan stands for."""

_OF_THE_FEN = [flags.FLAGS[name] for name in OF_THE_TOPOLOGY] + [
    flags.FLAGS[holder.name]
    for holder in (
        _CHANNEL_SEED,
        _WEIGHTS,
        _PREPROCESSING,
        _LITERT_FORMATS,
    )
]


def kept(source: LabelledImages, selections: Mapping[str, Selection]) -> Callable[[np.ndarray], np.ndarray]:
    """The FEN in ``--fen_package`` as a function of images; it is made first if it is not there."""
    package = package_flags.directory()
    if not package.exists():
        formats, chosen = litert_formats(), topology()
        model = build(chosen)
        sample = litert.representative_images(source, selections["train"]) if formats else None
        fen_package.save(package, chosen, model, formats, sample)
        return fen_package.transform(package, fen_format())
    given = [flag.name for flag in _OF_THE_FEN if flag.present]
    if given:
        raise InputError(f"--fen_package={package} exists and fixes the FEN; drop --{', --'.join(given)}")
    model = fen_package.load(package)
    if model.input_shape[1] != image_flags.image_size():
        raise InputError(
            f"the FEN in --fen_package={package} takes images of {model.input_shape[1]} pixels. "
            f"Received: --image_size={image_flags.image_size()}"
        )
    return fen_package.transform(package, fen_format())


def litert_formats() -> tuple[str, ...]:
    """The formats of the LiteRT models that a new FEN package is to hold."""
    unknown = [name for name in _LITERT_FORMATS.value if name not in cost.FORMATS]
    if unknown:
        raise InputError(f"--litert_formats must be of {cost.FORMATS}. Received: {','.join(unknown)}")
    if _FEN_FORMAT.value not in (fen_package.KERAS, *_LITERT_FORMATS.value):
        raise InputError(
            f"--fen_format={_FEN_FORMAT.value} must be one of --litert_formats. "
            f"Received: --litert_formats={','.join(_LITERT_FORMATS.value)}"
        )
    return tuple(_LITERT_FORMATS.value)


def fen_format() -> str:
    return _FEN_FORMAT.value


def topology() -> FenTopology:
    """The topology that the flags name; draws the released channels where they name none."""
    # The released channels are checked below; this checks the rest before they are drawn.
    whole = _with_all_channels()
    channels = _OUTPUT_CHANNELS.value
    return dataclasses.replace(
        whole,
        output_channels=_drawn() if channels is None else _integers("--output_channels", channels),
    )


def ranked() -> FenTopology:
    """The topology of the flags with all output channels, which a ranking is to choose from."""
    for name in (_OUTPUT_CHANNELS.name, package_flags.NAME):
        if flags.FLAGS[name].present:
            raise InputError(f"--{name} is not for a ranking, which draws the channels itself")
    return _with_all_channels()


def reject_topology() -> None:
    """Raises an InputError if a flag names what a plan is to choose."""
    given = [name for name in OF_THE_TOPOLOGY if flags.FLAGS[name].present]
    if given:
        raise InputError(
            "a limit such as --max_psnr asks for a plan, which chooses the topology; "
            f"drop --{', --'.join(given)}"
        )


def weights_identity(network: str) -> str:
    """A name for the weights of ``--fen_weights``; see ``pretrained.identity``."""
    return pretrained.identity(network, _WEIGHTS.value, seed.SEED.value)


def build(topology: FenTopology) -> keras.Model:
    """The FEN of a topology, with the weights and preprocessing of the flags."""
    return fen.build(
        topology,
        _WEIGHTS.value,
        _PREPROCESSING.value,
        image_flags.image_size(),
        download=image_flags.DOWNLOAD.value,
        seed=seed.SEED.value,
    )


def _with_all_channels() -> FenTopology:
    return FenTopology(
        network=_NETWORK.value,
        num_layers=_NUM_LAYERS.value,
        intermediate_channels=dict(_named(text) for text in _INTERMEDIATE.value),
    )


def _drawn() -> tuple[int, ...]:
    depth = depth_of(NETWORKS[_NETWORK.value], _NUM_LAYERS.value)
    wanted = _OUTPUT_DEPTH.value
    if not 1 <= wanted <= depth:
        raise InputError(
            f"--output_depth must be from 1 to {depth} at --num_layers={_NUM_LAYERS.value}. "
            f"Received: {wanted}"
        )
    return pruning.draw(range(depth), wanted, _CHANNEL_SEED.value)


def _integers(name: str, texts: list[str]) -> list[int]:
    try:
        return [int(text) for text in texts]
    except ValueError as error:
        raise InputError(f"{name} must be whole numbers. Received: {','.join(texts)}") from error


def _named(text: str) -> tuple[str, list[int]]:
    name, separator, channels = text.partition("=")
    if not separator:
        raise InputError(f"--intermediate_channels must be LAYER=CHANNELS. Received: {text!r}")
    return name, _integers("--intermediate_channels", channels.split(","))
