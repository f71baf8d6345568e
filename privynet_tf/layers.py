"""Layers that Keras does not have."""

import keras
import numpy as np


@keras.saving.register_keras_serializable(package="privynet_tf")
class LocalResponseNormalization(keras.layers.Layer):
    """Local response normalization over channels, as in ``tf.nn.local_response_normalization``.

    ``y_c = x_c / (bias + alpha * sum_{|c' - c| <= depth_radius} x_{c'}^2) ** beta``

    The defaults are those of the TensorFlow CIFAR-10 tutorial, the paper's ICN (footnote 1). Written
    with ``keras.ops``, so that it runs on every Keras backend.
    """

    def __init__(self, depth_radius=4, bias=1.0, alpha=0.001 / 9.0, beta=0.75, **kwargs):
        super().__init__(**kwargs)
        self.depth_radius = depth_radius
        self.bias = bias
        self.alpha = alpha
        self.beta = beta

    def call(self, inputs):
        # The sum over a window of channels is a product with a band of ones, one call of the
        # backend's fastest routine.
        channels = np.arange(inputs.shape[-1])
        band = abs(channels[:, None] - channels) <= self.depth_radius
        total = keras.ops.matmul(keras.ops.square(inputs), keras.ops.convert_to_tensor(band, inputs.dtype))
        return inputs * _negative_power(self.bias + self.alpha * total, self.beta)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return super().get_config() | {
            "depth_radius": self.depth_radius,
            "bias": self.bias,
            "alpha": self.alpha,
            "beta": self.beta,
        }


def _negative_power(x, exponent: float):
    if exponent == 0.75:  # the ICN's; roots take a tenth of the time of a power
        root = keras.ops.rsqrt(x)
        return root * keras.ops.sqrt(root)
    return keras.ops.power(x, -exponent)


@keras.saving.register_keras_serializable(package="privynet_tf")
class BatchNormalization(keras.layers.BatchNormalization):
    """Keras's batch normalization over the last axis, trained by one operation on TensorFlow.

    Keras composes it of operations that each read all of the input; at the IRN's width their traffic
    takes a fifth of a training step (``benchmarks/characterize.py``). Statistics and gradients are the same.
    """

    def call(self, inputs, training=None, mask=None):
        fused = keras.backend.backend() == "tensorflow" and inputs.dtype == "float32" and mask is None
        if not (fused and training and self.trainable):
            return super().call(inputs, training=training, mask=mask)
        import tensorflow as tf

        outputs, mean, unbiased, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=self.gamma,
            offset=self.beta,
            mean=tf.zeros([0]),  # used in inference alone
            variance=tf.zeros([0]),
            epsilon=self.epsilon,
            is_training=True,
        )
        count = tf.cast(tf.size(inputs) / tf.shape(inputs)[-1], "float32")
        for moving, value in (
            (self.moving_mean, mean),
            (self.moving_variance, unbiased * (count - 1) / count),
        ):
            moving.assign(moving * self.momentum + value * (1 - self.momentum))
        return outputs


@keras.saving.register_keras_serializable(package="privynet_tf")
class PerImageStandardization(keras.layers.Layer):
    """Zero mean and unit variance for each image, as in ``tf.image.per_image_standardization``.

    The deviation is bounded below by ``1 / sqrt(number of values)``, so a constant image becomes 0.
    """

    def call(self, inputs):
        axes = (1, 2, 3)
        count = inputs.shape[1] * inputs.shape[2] * inputs.shape[3]
        mean = keras.ops.mean(inputs, axis=axes, keepdims=True)
        deviation = keras.ops.std(inputs, axis=axes, keepdims=True)
        return (inputs - mean) / keras.ops.maximum(deviation, count**-0.5)

    def compute_output_shape(self, input_shape):
        return input_shape
