"""Flag: how many images the IRN trains on. Of one module, as several binaries have it."""

from absl import flags

IRN_IMAGES = flags.DEFINE_integer(
    "irn_images", 10_000, "Training images of the IRN, the first so many.", lower_bound=1
)
