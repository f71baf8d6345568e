"""Binaries that train."""
