"""The pool of pre-trained networks that a FEN can be cut from (section 4 of the paper).

A network is the sequence of its layers before the classifier; convolutions and pools both count
as a layer, so cutting after ``m`` layers is ``NETWORKS[name].layers[:m]``. To add a network whose
layers are 3x3 convolutions with ReLU and 2x2 pools, add one entry to ``NETWORKS``.
"""

import dataclasses
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True)
class Layer:
    """One layer: a 3x3 'same' convolution with ReLU, or a 2x2 max-pool with stride 2.

    Attributes:
        name: the layer's name in ``keras.applications``, which is also its key in weight files.
        filters: output channels of a convolution; 0 for a pool.
    """

    name: str
    filters: int

    @property
    def is_pool(self) -> bool:
        return self.filters == 0


@dataclasses.dataclass(frozen=True)
class Network:
    """A pre-trained network without its classifier.

    Attributes:
        layers: in order of computation.
        weights_url: Keras's ImageNet weights of these layers.
        weights_md5: checksum of that file.
    """

    layers: tuple[Layer, ...]
    weights_url: str
    weights_md5: str


def _vgg(convolutions: Sequence[int]) -> tuple[Layer, ...]:
    """VGG's five blocks, given the number of convolutions in each."""
    layers = []
    for block, (count, filters) in enumerate(
        zip(convolutions, (64, 128, 256, 512, 512), strict=True), start=1
    ):
        layers += [Layer(f"block{block}_conv{i}", filters) for i in range(1, count + 1)]
        layers.append(Layer(f"block{block}_pool", 0))
    return tuple(layers)


_KERAS_WEIGHTS = "https://storage.googleapis.com/tensorflow/keras-applications"

NETWORKS = {
    "vgg16": Network(
        layers=_vgg((2, 2, 3, 3, 3)),
        weights_url=f"{_KERAS_WEIGHTS}/vgg16/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
        weights_md5="6d6bbae143d832006294945121d1f1fc",
    ),
    "vgg19": Network(
        layers=_vgg((2, 2, 4, 4, 4)),
        weights_url=f"{_KERAS_WEIGHTS}/vgg19/vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5",
        weights_md5="253f8cb515780f3b799900260a226db6",
    ),
}
