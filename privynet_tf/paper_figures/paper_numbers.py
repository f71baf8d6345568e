"""The numbers that the paper reports, to stand beside ours: CIFAR-10, VGG16 with ImageNet weights.

Accuracies and shares are in [0, 1], PSNR in dB on [0, 1] images. ``m`` counts pools.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Spread:
    """Mean and standard deviation."""

    mean: float
    std: float


@dataclasses.dataclass(frozen=True)
class Statistics(Spread):
    """Mean and standard deviation, with the extremes."""

    maximum: float
    minimum: float


@dataclasses.dataclass(frozen=True)
class Setting:
    """A row of table 13(b): accuracy and PSNR over 20 random sets of channels, m = 6, D' = 8."""

    accuracy: Spread
    psnr: Spread


SINGLE_CHANNEL_ACCURACY = {
    4: Statistics(mean=0.57, std=0.074, maximum=0.64, minimum=0.16),
    6: Statistics(mean=0.36, std=0.040, maximum=0.43, minimum=0.29),
}
"""Table 4(c): m -> over all 128 channels, each released alone."""

SINGLE_CHANNEL_PSNR = {
    4: Statistics(mean=16.21, std=1.17, maximum=18.12, minimum=12.89),
    6: Statistics(mean=14.02, std=0.78, maximum=16.20, minimum=12.95),
}
"""Table 4(c): m -> over all 128 channels, each released alone."""

WITHOUT_PRUNING = Setting(Spread(0.684, 0.019), Spread(18.3, 0.389))
"""Table 13(b): sets of all 128 channels."""

PRUNED_BY_CHARACTERIZATION = Setting(Spread(0.701, 0.013), Spread(17.5, 0.437))
"""Table 13(b): without the 64 channels of worst utility and the 32 leakiest, both by characterization."""

PRUNED_BY_LDA = Setting(Spread(0.696, 0.016), Spread(17.05, 0.634))
"""Table 13(b): without the 64 channels of worst discriminability, and the 32 leakiest by
characterization."""

WORST_PRUNED_BY_LDA = 0.697
"""Fig. 11(a), m = 6: share of the 32 worst channels among the 64 of 128 that discriminability prunes."""

WORST_PRUNED_AT_RANDOM = 0.503
"""Fig. 11(a), m = 6: the same where 64 of 128 channels are pruned at random."""

LDA_MINIBATCHES = (10, 20, 50)
"""Fig. 12: minibatches of 128 images for the discriminability, all much alike; the paper uses the last."""

LEAKIEST_AMONG_WORST = (4, 32)
"""Section 3.4, m = 6, single channels: so many of the 32 leakiest are among the 32 worst in utility."""

ENOUGH_IRN_IMAGES = 1000
"""Section 3.2, Fig. 7(a): with augmentation, fewer training images of the IRN suffice."""

PLANS = {28.0: (1, 4), 17.0: (6, 4)}
"""Section 3.3, Fig. 8: allowed PSNR -> the chosen m and D'."""

IRN_CLUSTERS = 2
"""Appendix C, Fig. 19: clusters of ResNet blocks, where the PSNR saturates."""

SINGLE_IMAGE_PSNR = {
    1: {64: 28.7, 32: 28.2, 16: 26.1, 8: 24.7, 4: 24.1, 2: 20.7},
    2: {64: 28.9, 32: 28.0, 16: 25.9, 8: 23.9, 4: 22.4, 2: 19.9},
    3: {64: 25.2, 32: 26.7, 16: 24.8, 8: 22.8, 4: 21.2, 2: 19.3},
    4: {128: 26.8, 64: 25.5, 32: 24.5, 16: 22.0, 8: 19.9, 4: 18.1, 2: 16.7},
    5: {128: 23.0, 64: 22.9, 32: 20.3, 16: 19.2, 8: 18.3, 4: 16.7, 2: 13.9},
    6: {128: 20.4, 64: 19.4, 32: 18.1, 16: 18.1, 8: 16.8, 4: 15.8, 2: 13.5},
}
"""Fig. 22: m -> D' -> PSNR of one test image. The rows m = 4 to 6 are scrambled in the paper's text and
were put in order by their monotony."""

MACS = {
    (64, 64, 128, 8): 60.8e6,
    (48, 64, 128, 8): 50.9e6,
    (32, 64, 128, 8): 41.0e6,
    (16, 64, 128, 8): 31.1e6,
    (32, 32, 128, 8): 22.1e6,
    (32, 32, 64, 8): 16.2e6,
}
"""Channels of the four convolutions in the settings of figures 14 and 15 -> multiply-accumulates an image.
Not in the paper: it gives milliseconds, and these follow from its channels at 32x32 pixels."""
