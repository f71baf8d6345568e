"""Which channels of the convolutions before the last a FEN keeps (section 4, figures 14 and 15).

Leaving intermediate channels out makes the FEN smaller and faster, and harder to guess. The paper draws
the kept ones at random; keeping the most discriminative ones is the alternative.
"""

import random
from collections.abc import Mapping, Sequence

import numpy as np

from privynet_tf.errors import InputError
from privynet_tf.topology import FenTopology

FIGURE_14 = ((64, 64, 128, 8), (48, 64, 128, 8), (32, 64, 128, 8), (16, 64, 128, 8))
FIGURE_15 = ((64, 64, 128, 8), (32, 64, 128, 8), (32, 32, 128, 8), (32, 32, 64, 8))
"""Kept channels of VGG16's first four convolutions, m = 6; the last number is ``D'``."""


def drawn(whole: FenTopology, depths: Sequence[int], seed: int | str) -> FenTopology:
    """Keeps so many channels of each convolution before the last, drawn at random.

    The channels that a seed keeps of a convolution are nested: 16 of them are among its 32.

    Args:
        whole: which channels it releases, and where it ends.
        depths: number of kept channels of each convolution before the last.
        seed: of the draw.

    Raises:
        InputError: if the numbers do not fit the convolutions.
    """
    kept = {}
    for layer, depth in _convolutions(whole, depths):
        order = list(range(layer.filters))
        random.Random(f"{seed}/{whole.network}/{layer.name}").shuffle(order)
        kept[layer.name] = sorted(order[:depth])
    return _reduced(whole, kept)


def discriminative(
    whole: FenTopology, depths: Sequence[int], discriminability: Mapping[str, np.ndarray]
) -> FenTopology:
    """Keeps so many channels of each convolution before the last, those of the largest ``J``.

    Args:
        whole: which channels it releases, and where it ends.
        depths: number of kept channels of each convolution before the last.
        discriminability: name of a convolution -> ``J`` of all its channels; see ``fisher``.

    Raises:
        InputError: if the numbers do not fit the convolutions.
    """
    kept = {}
    for layer, depth in _convolutions(whole, depths):
        order = np.argsort(-np.asarray(discriminability[layer.name]), kind="stable")
        kept[layer.name] = sorted(order[:depth].tolist())
    return _reduced(whole, kept)


def _convolutions(whole: FenTopology, depths: Sequence[int]):
    *before, _ = whole.convolutions
    if len(depths) != len(before):
        raise InputError(
            f"the FEN has {len(before)} convolutions before its last, and needs as many numbers of kept "
            f"channels. Received: {list(depths)}"
        )
    for layer, depth in zip(before, depths, strict=True):
        if not 1 <= depth <= layer.filters:
            raise InputError(
                f"kept channels of {layer.name} must be from 1 to {layer.filters}. Received: {depth}"
            )
        yield layer, depth


def _reduced(whole: FenTopology, kept: Mapping[str, Sequence[int]]) -> FenTopology:
    """Convolutions that keep all of their channels are not named, so that equal FENs are equal."""
    filters = {layer.name: layer.filters for layer in whole.convolutions}
    named = {name: channels for name, channels in kept.items() if len(channels) < filters[name]}
    return FenTopology(whole.network, whole.num_layers, whole.output_channels, named)
