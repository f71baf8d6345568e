"""What a FEN costs the local platform, by its topology alone (section 3.2 and appendix D).

Bytes of files and latency are measured, not computed: see ``cost_measurement``.
"""

import dataclasses
import itertools
from collections.abc import Iterator

from privynet_tf.networks import Layer
from privynet_tf.topology import FenTopology

FORMATS = ("float32", "float16", "int8")
"""How a model for the device stores weights. Arithmetic is float32, but for int8, where it is of integers."""


@dataclasses.dataclass(frozen=True)
class Cost:
    """Cost of a FEN by its topology alone.

    Attributes:
        parameters: kernels and biases.
        macs: multiply-accumulates of the convolutions for one image.
        weight_bytes: of the parameters in float32.
        peak_activation_bytes: for one image in float32; see the function of that name.
    """

    parameters: int
    macs: int
    weight_bytes: int
    peak_activation_bytes: int


def of_topology(topology: FenTopology, image_size: int) -> Cost:
    """Counts the parameters and operations of a FEN on square images of ``image_size`` pixels."""
    parameters = macs = 0
    for layer, side, depth_in, depth in _outputs(topology, image_size):
        if not layer.is_pool:
            kernel = 3 * 3 * depth_in * depth
            parameters += kernel + depth
            macs += kernel * side * side
    return Cost(
        parameters,
        macs,
        weight_bytes=4 * parameters,
        peak_activation_bytes=peak_activation_bytes(topology, image_size),
    )


def peak_activation_bytes(topology: FenTopology, image_size: int, number_format: str = "float32") -> int:
    """Most bytes that the activations of one image take at once.

    Operations run one after another, each with its input and its output in memory. Weights and the
    workspace of an operation come on top.

    Args:
        topology: of the FEN.
        image_size: height and width of the images in pixels.
        number_format: one of ``FORMATS``. An int8 FEN turns its last activations into float32.
    """
    width = 1 if number_format == "int8" else 4
    image = 3 * image_size**2
    # The uint8 image, in the number format, preprocessed, after each layer.
    tensors = [image, width * image, width * image]
    tensors += [width * side * side * depth for _, side, _, depth in _outputs(topology, image_size)]
    if number_format == "int8":
        tensors.append(4 * tensors[-1])
    return max(before + after for before, after in itertools.pairwise(tensors))


def _outputs(topology: FenTopology, image_size: int) -> Iterator[tuple[Layer, int, int, int]]:
    """Yields each layer with the side of its output and the channels of its input and output."""
    side, depth = image_size, 3
    for layer in topology.layers:
        if layer.is_pool:
            side //= 2
            yield layer, side, depth, depth
        else:
            kept = len(topology.kept_channels(layer.name))
            yield layer, side, depth, kept
            depth = kept
