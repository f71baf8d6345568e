"""The topology of a FEN: the network, the number of layers and the kept channels.

Section 2 of the paper: ``t(x; m, f)`` is fixed by the number of layers ``m`` and the subset ``f`` of
filters selected for each layer. A topology plus weights is a FEN; see ``fen.build``.
"""

import dataclasses
import json
import numbers
from collections.abc import Mapping, Sequence

from privynet_tf.errors import InputError
from privynet_tf.networks import NETWORKS, Layer, Network


@dataclasses.dataclass(frozen=True)
class FenTopology:
    """Network, number of layers and kept channels of every convolution.

    Channel numbers always refer to the complete pre-trained network, and kept channels stay in the
    order given here.

    Attributes:
        network: a key of ``networks.NETWORKS``.
        num_layers: ``m``; convolutions and pools both count, from 1 to the network's length.
        output_channels: the released channels, those of the last convolution; their number is the
            output depth ``D'``. None stands for all of them and is stored as such.
        intermediate_channels: kept channels of convolutions before the last, by layer name; a
            convolution that is not named keeps all of its channels.

    Raises:
        InputError: for a field out of range, naming the field, the value and what is allowed.
    """

    network: str = "vgg16"
    num_layers: int = 6
    output_channels: Sequence[int] | None = None
    intermediate_channels: Mapping[str, Sequence[int]] | None = None

    def __post_init__(self):
        if self.network not in NETWORKS:
            raise InputError(f"network must be one of {sorted(NETWORKS)}. Received: {self.network!r}")
        depth = len(NETWORKS[self.network].layers)
        if not _is_integer(self.num_layers) or not 1 <= self.num_layers <= depth:
            raise InputError(
                f"num_layers must be an integer from 1 to {depth} for {self.network}. "
                f"Received: {self.num_layers!r}"
            )
        *before, last = self.convolutions
        channels = range(last.filters) if self.output_channels is None else self.output_channels
        channels = _checked_channels("output_channels", channels, last)

        intermediate = dict(self.intermediate_channels or {})
        allowed = [layer.name for layer in before]
        for name in intermediate:
            if name not in allowed:
                raise InputError(
                    "intermediate_channels may only name the convolutions before the last, "
                    f"{allowed or 'of which there are none'}. Received: {name!r}"
                )
        intermediate = {
            layer.name: _checked_channels(
                f"intermediate_channels[{layer.name!r}]", intermediate[layer.name], layer
            )
            for layer in before
            if layer.name in intermediate
        }
        object.__setattr__(self, "num_layers", int(self.num_layers))
        object.__setattr__(self, "output_channels", channels)
        object.__setattr__(self, "intermediate_channels", intermediate or None)

    def __hash__(self):
        return hash(self.to_json())

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The first ``m`` layers of the network."""
        return NETWORKS[self.network].layers[: self.num_layers]

    @property
    def convolutions(self) -> tuple[Layer, ...]:
        """The convolutions among the first ``m`` layers."""
        return tuple(layer for layer in self.layers if not layer.is_pool)

    @property
    def output_depth(self) -> int:
        """``D'``, the number of released channels."""
        return len(self.output_channels)

    def kept_channels(self, name: str) -> tuple[int, ...]:
        """The channels that the convolution ``name`` computes."""
        *before, last = self.convolutions
        if name == last.name:
            return self.output_channels
        filters = {layer.name: layer.filters for layer in before}[name]
        return (self.intermediate_channels or {}).get(name, tuple(range(filters)))

    def output_shape(self, image_size: int) -> tuple[int, int, int]:
        """``(H', W', D')`` for square images of ``image_size`` pixels.

        Raises:
            InputError: if the images are too small for the pools.
        """
        pools = sum(layer.is_pool for layer in self.layers)
        side = image_size >> pools
        if side < 1:
            raise InputError(
                f"image_size must be at least {2**pools} for num_layers={self.num_layers}, which "
                f"has {pools} pools. Received: {image_size}"
            )
        return side, side, self.output_depth

    def to_json(self) -> str:
        return json.dumps(dataclasses.asdict(self), indent=2)

    @classmethod
    def from_json(cls, text: str) -> "FenTopology":
        """The topology that ``to_json`` wrote.

        Raises:
            InputError: if the text is not one.
        """
        try:
            return cls(**json.loads(text))
        except InputError:
            raise
        except (ValueError, TypeError) as error:
            raise InputError(f"not a FEN topology: {error}") from error


def depth_of(network: Network, num_layers: int) -> int:
    """Output channels of the last convolution among the first ``num_layers`` layers."""
    return [layer.filters for layer in network.layers[:num_layers] if not layer.is_pool][-1]


def _is_integer(value) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def _checked_channels(field: str, channels: Sequence[int], layer: Layer) -> tuple[int, ...]:
    channels = tuple(channels)
    allowed = f"distinct integers from 0 to {layer.filters - 1} ({layer.name})"
    if not channels:
        raise InputError(f"{field} must hold at least one channel: {allowed}. Received: none")
    if len(channels) > layer.filters:
        raise InputError(f"{field} holds {len(channels)} channels, but {layer.name} has only {layer.filters}")
    for position, channel in enumerate(channels):
        if not _is_integer(channel) or not 0 <= channel < layer.filters:
            raise InputError(f"{field} must be {allowed}. Received: {channel!r}")
        if channel in channels[:position]:
            raise InputError(f"{field} must be {allowed}. Received: {channel} twice")
    return tuple(int(channel) for channel in channels)
