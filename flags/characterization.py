"""Flags: the grid of a characterization, its budget, and where its table and feature cache are."""

import pathlib
import re
from collections.abc import Sequence

from absl import flags

from flags import fen as fen_flags
from flags import icn as icn_flags
from flags import images as image_flags
from flags import irn as irn_flags
from flags import program
from flags import run as run_flags
from privynet_tf import characterization, grid, images, sweep
from privynet_tf.errors import InputError
from privynet_tf.feature_cache import Examples, Fen
from privynet_tf.images import LabelledImages
from privynet_tf.topology import FenTopology

_NETWORKS = flags.DEFINE_list("networks", ["vgg16"], "Pre-trained networks.")
_LAYERS = flags.DEFINE_list("layers", ["6"], "Numbers of layers m of the FEN; pools count.")
_DEPTHS = flags.DEFINE_list("depths", [], "Output depths D', each with --random_sets channel sets.")
_RANDOM_SETS = flags.DEFINE_integer(
    "random_sets", 1, "Random channel sets for each depth, by --channel_seed."
)
_SINGLE = flags.DEFINE_bool("single_channels", False, "Every channel of a layer alone.")
_SETS = flags.DEFINE_multi_string("channel_set", [], "A channel set, e.g. 3,17,40; may be repeated.")
_SEEDS = flags.DEFINE_list("seeds", ["0"], "Seeds of trainings, a cell each.")
_TRAIN_IMAGES = flags.DEFINE_list(
    "train_images", [], "Numbers of training images, a cell each; all of --train_split if unset."
)
_WITHOUT = flags.DEFINE_bool(
    "also_without_augmentation", False, "With --augmented_copies: each cell also without copies."
)
_CLUSTERS = flags.DEFINE_list("clusters", [], "Numbers of clusters of the IRN; --irn_clusters if unset.")
_BASELINE = flags.DEFINE_bool("baseline", False, "Also the unsplit baseline: an ICN on the images.")

_IRN_MAX_IMAGES = flags.DEFINE_integer(
    "irn_max_images", None, "The IRN trains on the first so many training images; all if unset."
)
_IRN_TEST_IMAGES = flags.DEFINE_integer(
    "irn_test_images", None, "The IRN is measured on the first so many test images; all if unset."
)
MEASURE = flags.DEFINE_enum("measure", "both", sorted(sweep.MEASURES), "Utility, privacy loss, both.")
BRANCHES = flags.DEFINE_integer("branches", 8, "ICNs that train as branches of one model, at most.")
PROCESSES = flags.DEFINE_integer(
    "processes", 1, "Processes that measure side by side, each with a part of the cores.", lower_bound=1
)
_CACHE_DIR = flags.DEFINE_string("cache_dir", None, "Directory of representations, which sweeps can share.")
_SHARD = flags.DEFINE_string("shard", "1/1", "i/n: measure the i-th of n parts of the grid.")
MERGE = flags.DEFINE_bool("merge", False, "Only merge the tables of shards in --workdir.")

# Of flags.fen, for one FEN; a grid has its own.
_INSTEAD = {
    "network": "networks",
    "num_layers": "layers",
    "output_depth": "depths",
    "output_channels": "channel_set",
    "intermediate_channels": "channel_set",
}


def cells(source: LabelledImages) -> list[grid.Cell]:
    """The cells of the grid; those of ``--shard``."""
    for name, instead in _INSTEAD.items():
        if flags.FLAGS[name].present:
            raise InputError(f"--{name} is not for a grid; see --{instead}")
    return of_shard(product(source).cells())


def product(source: LabelledImages) -> grid.Grid:
    """The grid of the flags."""
    copies = image_flags.selections(source)["train"].augmented_copies
    return grid.Grid(
        images=source.name,
        train_images=_integers("train_images", _TRAIN_IMAGES.value)
        or [source.num_images(image_flags.selections(source)["train"].split)],
        networks=_NETWORKS.value,
        layers=_integers("layers", _LAYERS.value),
        depths=_integers("depths", _DEPTHS.value),
        random_sets=_RANDOM_SETS.value,
        channel_seed=flags.FLAGS.channel_seed or 0,
        single_channels=_SINGLE.value,
        channel_sets=[_integers("channel_set", text.split(",")) for text in _SETS.value],
        seeds=_integers("seeds", _SEEDS.value),
        augmented_copies=sorted({0, copies} if _WITHOUT.value else {copies}),
        irn_clusters=_integers("clusters", _CLUSTERS.value) or [irn_flags.architecture().clusters],
        baseline=_BASELINE.value,
    )


def of_shard(cells: Sequence[grid.Cell]) -> list[grid.Cell]:
    """Those of ``--shard``."""
    return grid.shard(cells, *_shard())


def budget() -> characterization.Budget:
    architecture = irn_flags.architecture()
    return characterization.Budget(
        icn_flags.settings(),
        irn_flags.settings(),
        architecture.blocks,
        architecture.width,
        _IRN_MAX_IMAGES.value,
        _IRN_TEST_IMAGES.value,
    )


def cache_dir() -> pathlib.Path:
    if not _CACHE_DIR.value:
        raise InputError("--cache_dir must name the directory of the feature cache")
    return pathlib.Path(_CACHE_DIR.value)


def cache(
    directory: pathlib.Path, source: LabelledImages, cells: Sequence[grid.Cell]
) -> characterization.Cache:
    """The feature cache in a directory, with all that the cells need."""
    selections = image_flags.selections(source)
    return characterization.prepare_cache(
        directory,
        {name: _examples(source, selection) for name, selection in selections.items()},
        len(source.class_names),
        cells,
        _build_fen,
        program.progress("feature cache"),
    )


def workdir() -> pathlib.Path:
    if not run_flags.WORKDIR.value:
        raise InputError("--workdir must name the directory of the table")
    return pathlib.Path(run_flags.WORKDIR.value)


def table() -> pathlib.Path:
    """The table that this process writes: a shard has its own."""
    index, count = _shard()
    return workdir() / ("table.csv" if count == 1 else f"table-{index}-of-{count}.csv")


def tables() -> list[pathlib.Path]:
    """The tables in ``--workdir``: the whole one and those of shards."""
    return [*workdir().glob("table.csv"), *sorted(workdir().glob("table-*-of-*.csv"))]


def _build_fen(topology: FenTopology) -> Fen:
    weights = fen_flags.weights_identity(topology.network)
    return Fen(topology, fen_flags.build(topology), weights, flags.FLAGS.preprocessing)


def _examples(source: LabelledImages, selection: images.Selection) -> Examples:
    copies = selection.augmented_copies
    made = {
        "images": source.name,
        "split": selection.split,
        "image_size": image_flags.image_size(),
        "augmented_copies": copies,
        "augmentation_seed": selection.seed if copies else None,
    }
    return Examples(made, images.num_examples(source, selection), lambda: images.examples(source, selection))


def _shard() -> tuple[int, int]:
    parsed = re.fullmatch(r"(\d+)/(\d+)", _SHARD.value)
    if not parsed:
        raise InputError(f"--shard must be i/n, e.g. 1/4. Received: {_SHARD.value!r}")
    return int(parsed[1]), int(parsed[2])


def _integers(name: str, texts: list[str]) -> list[int]:
    try:
        return [int(text) for text in texts]
    except ValueError as error:
        raise InputError(f"--{name} must be whole numbers. Received: {','.join(texts)}") from error
