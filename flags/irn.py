"""Flags: size and training of the IRN; the defaults are the paper's."""

from absl import flags

from flags import training
from privynet_tf import irn

_DEFAULT = irn.Architecture()
_CLUSTERS = flags.DEFINE_integer("irn_clusters", _DEFAULT.clusters, "Clusters of ResNet blocks.")
_BLOCKS = flags.DEFINE_integer("irn_blocks", _DEFAULT.blocks, "ResNet blocks in a cluster.")
_WIDTH = flags.DEFINE_integer("irn_width", _DEFAULT.width, "Channels inside the IRN.")

settings = training.define("irn", **irn.PAPER_SETTINGS)


def architecture() -> irn.Architecture:
    return irn.Architecture(_CLUSTERS.value, _BLOCKS.value, _WIDTH.value)
