"""Flag: the seed. Of one module, as several others draw by it."""

from absl import flags

SEED = flags.DEFINE_integer("seed", 0, "Seed of initial weights, data order and random draws.", lower_bound=0)
