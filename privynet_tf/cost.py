"""What a FEN costs the local platform (section 3.2 and appendix D)."""

import dataclasses

from privynet_tf.topology import FenTopology


@dataclasses.dataclass(frozen=True)
class Cost:
    """Cost of a FEN by its topology alone.

    Attributes:
        parameters: kernels and biases.
        macs: multiply-accumulates of the convolutions for one image.
        weight_bytes: of the parameters in float32.
    """

    parameters: int
    macs: int
    weight_bytes: int


def of_topology(topology: FenTopology, image_size: int) -> Cost:
    """Counts the parameters and operations of a FEN on square images of ``image_size`` pixels."""
    parameters = macs = 0
    side, depth = image_size, 3
    for layer in topology.layers:
        if layer.is_pool:
            side //= 2
            continue
        kept = len(topology.kept_channels(layer.name))
        kernel = 3 * 3 * depth * kept
        parameters += kernel + kept
        macs += kernel * side * side
        depth = kept
    return Cost(parameters, macs, weight_bytes=4 * parameters)
