"""Binaries that measure."""
