"""Flags: training of the ICN; the defaults are the paper's."""

from flags import training
from privynet_tf import icn

settings = training.define("icn", **icn.PAPER_SETTINGS)
