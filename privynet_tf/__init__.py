"""PrivyNet (Li et al., 2017): privacy-preserving training on intermediate representations.

Import the modules, e.g. ``from privynet_tf import fen, topology``; nothing heavy is imported here.
"""
