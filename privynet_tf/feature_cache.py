"""Representations of all channels of a layer, computed once for a whole sweep and kept on disk.

One directory a selection of images::

    images.npy      [N, S, S, 3] uint8       vgg16_m6.npy    [N, H', W', D] float16, all D channels
    labels.npy      [N] int64                vgg16_m6.json   what made it
    images.json     what made both

A FEN that leaves intermediate channels out gives other values than a slice of all channels: what it
releases, [N, H', W', D'], stands in a file of its own, named after a digest of its topology.

The ``.json`` file comes last, so what a killed computation leaves is not taken for complete. Arrays
are memory-mapped to read and written as a stream: their size is the disk's limit and not the memory's.
"""

import contextlib
import dataclasses
import hashlib
import json
import math
import os
import pathlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import keras
import numpy as np

from privynet_tf import workdir
from privynet_tf.errors import InputError
from privynet_tf.networks import NETWORKS
from privynet_tf.topology import FenTopology

IMAGES = "images"
LABELS = "labels"

MEMORY = 512 << 20
"""Bytes of representations above which ``in_memory`` leaves them on disk."""

_CHUNK_BYTES = 32 << 20


@dataclasses.dataclass(frozen=True)
class Split:
    """Cached images and what was computed from them.

    Attributes:
        directory: of the files.
        made: what made the images: ``images``, ``split``, ``image_size``, ``augmented_copies``,
            ``augmentation_seed`` (None without copies) and the ``sha256`` of pixels and labels.
        labels: [N] int64.
    """

    directory: pathlib.Path
    made: Mapping[str, object]
    labels: np.ndarray

    @property
    def num_images(self) -> int:
        """Images, without augmented copies."""
        return len(self.labels) // (1 + self.made["augmented_copies"])

    @property
    def images(self) -> np.ndarray:
        """[N, S, S, 3] uint8, memory-mapped; each image is followed by its augmented copies."""
        return np.load(self.directory / f"{IMAGES}.npy", mmap_mode="r")

    def rows(self, num_images: int | None = None, augmented_copies: int = 0) -> np.ndarray:
        """Positions of the first ``num_images`` (None: of all), each with its first so many copies.

        Raises:
            InputError: if the cache has fewer of either.
        """
        held = self.made["augmented_copies"]
        num_images = self.num_images if num_images is None else num_images
        for name, wanted, least, most in (
            ("images", num_images, 1, self.num_images),
            ("augmented copies", augmented_copies, 0, held),
        ):
            if not least <= wanted <= most:
                raise InputError(
                    f"{name} of {self.made['split']!r} must be from {least} to {most}. Received: {wanted}"
                )
        first = np.arange(num_images) * (1 + held)
        return (first[:, None] + np.arange(1 + augmented_copies)).ravel()

    def representations(
        self, network: str, num_layers: int, channels: Sequence[int], rows: np.ndarray
    ) -> "Representations":
        """What a FEN with these released channels gives for some images; reads nothing yet."""
        return Representations(self.directory / f"{_stem(network, num_layers)}.npy", rows, channels)

    def reduced_representations(self, topology: FenTopology, rows: np.ndarray) -> "Representations":
        """What a FEN that leaves intermediate channels out gives for some images; reads nothing yet."""
        channels = range(topology.output_depth)
        return Representations(self.directory / f"{_reduced_stem(topology)}.npy", rows, channels)


class Representations:
    """Channels of some examples of a cached layer: an array [N, H', W', D'] float16 read on demand.

    Has what ``training.Batches`` needs of an array: ``shape``, ``len`` and indexing by rows.
    """

    def __init__(self, path: pathlib.Path, rows: np.ndarray, channels: Sequence[int]):
        self._path = path
        self._rows = rows
        self._channels = list(channels)
        self.shape = (len(rows), *np.load(path, mmap_mode="r").shape[1:-1], len(self._channels))

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: slice | np.ndarray) -> np.ndarray:
        rows = self._rows[index]
        array = np.empty((len(rows), *self.shape[1:]), np.float16)
        # Mapped anew each time: pages of an older map would stay resident until the file is in memory.
        layer = np.load(self._path, mmap_mode="r")
        step = max(1, _CHUNK_BYTES // (2 * math.prod(layer.shape[1:])))
        for start in range(0, len(rows), step):
            part = slice(start, start + step)
            array[part] = layer[rows[part]][..., self._channels]
        return array

    def in_memory(self, limit: int = MEMORY) -> "np.ndarray | Representations":
        """The array itself if it has at most ``limit`` bytes, which trains faster; else this object."""
        return self if 2 * math.prod(self.shape) > limit else self[:]


@dataclasses.dataclass(frozen=True)
class Examples:
    """Images that are to be cached.

    Attributes:
        made: what makes them; see ``Split``, without ``sha256``.
        count: number of examples, augmented copies included.
        open: returns (image [S, S, 3] uint8, label), each image followed by its copies.
    """

    made: Mapping[str, object]
    count: int
    open: Callable[[], Iterable[tuple[np.ndarray, int]]]


@dataclasses.dataclass(frozen=True)
class Fen:
    """A FEN whose representations are to be cached.

    Attributes:
        topology: with all channels, and deep enough for every layer that is asked for; or, for
            ``compute_reduced``, with some.
        model: from ``fen.build``.
        weights: their identity; see ``pretrained.identity``.
        preprocessing: as in ``fen.build``.
    """

    topology: FenTopology
    model: keras.Model
    weights: str
    preprocessing: str


def store_images(directory: pathlib.Path, examples: Examples) -> Split:
    """Stores images and labels, or checks that the stored ones are these.

    Every pixel is read in both cases: a folder may hold other images under the same names.

    Args:
        directory: of the selection's cache.
        examples: the images.

    Raises:
        InputError: if the directory holds a cache of other images, naming what differs.
    """
    made, count = dict(examples.made), examples.count
    with workdir.locked(directory):
        record = directory / f"{IMAGES}.json"
        held = _read_record(record)
        if held:
            _check_made(directory, {name: held.get(name) for name in made}, made)
        shape = (count, made["image_size"], made["image_size"], 3)
        digest, labels = hashlib.sha256(), np.zeros(count, np.int64)
        with contextlib.nullcontext() if held else _array(directory, IMAGES, np.uint8, shape) as append:
            for index, (image, label) in enumerate(examples.open()):
                digest.update(image.tobytes() + int(label).to_bytes(8, "little"))
                labels[index] = label
                if append:
                    append(image)
        made = {**made, "sha256": digest.hexdigest()}
        if held:
            _check_made(directory, held, made)
        else:
            with _array(directory, LABELS, np.int64, (count,)) as append:
                append(labels)
            workdir.write_atomically(record, json.dumps(made, indent=2) + "\n")
    _check_file(directory, IMAGES, shape)
    return Split(directory, made, labels)


def compute(
    split: Split,
    fen: Fen,
    layers: Iterable[int],
    *,
    batch_size: int = 128,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Computes the representations of all channels of some layers that are not cached yet.

    All layers come from one pass over the images, through one model with an output for each.

    Args:
        split: of the images.
        fen: with at least as many layers.
        layers: numbers of layers ``m``.
        batch_size: images a pass.
        progress: takes images done and total.

    Raises:
        InputError: if a layer is cached from other images, weights or preprocessing, naming what
            differs, or does not fit into float16.
    """
    directory = split.directory
    with workdir.locked(directory):
        missing = {}
        for num_layers in sorted(set(layers)):
            network = fen.topology.network
            stem = _stem(network, num_layers)
            made = {"network": network, "num_layers": num_layers} | _made(split, fen)
            output = fen.model.get_layer(NETWORKS[network].layers[num_layers - 1].name).output
            if not _is_held(split, stem, made, output):
                missing[stem] = made, output
        if missing:
            _compute(split, fen.model, missing, batch_size, progress)


def compute_reduced(
    split: Split,
    fen: Fen,
    *,
    batch_size: int = 128,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Computes the representations of a FEN that leaves intermediate channels out, unless it is cached.

    Raises:
        InputError: as ``compute``.
    """
    stem, output = _reduced_stem(fen.topology), fen.model.output
    made = {"topology": json.loads(fen.topology.to_json())} | _made(split, fen)
    with workdir.locked(split.directory):
        if not _is_held(split, stem, made, output):
            _compute(split, fen.model, {stem: (made, output)}, batch_size, progress)


def _made(split: Split, fen: Fen) -> dict[str, object]:
    return {
        "weights": fen.weights,
        "preprocessing": fen.preprocessing,
        "sha256": split.made["sha256"],
    }


def _is_held(split: Split, stem: str, made: Mapping[str, object], output) -> bool:
    """Whether a file of the cache is there; an InputError if it is not what it should be."""
    held = _read_record(split.directory / f"{stem}.json")
    if held:
        _check_made(split.directory / f"{stem}.npy", held, made)
        _check_file(split.directory, stem, (len(split.labels), *output.shape[1:]))
    return held is not None


def _compute(split, model, missing, batch_size, progress):
    directory, images = split.directory, split.images
    outputs = [output for _, output in missing.values()]
    model = keras.Model(model.input, outputs)
    with contextlib.ExitStack() as stack:
        appends = [
            stack.enter_context(_array(directory, stem, np.float16, (len(images), *output.shape[1:])))
            for stem, (_, output) in missing.items()
        ]
        for start in range(0, len(images), batch_size):
            batch = np.asarray(images[start : start + batch_size])
            computed = keras.tree.flatten(model(batch, training=False))
            for append, values in zip(appends, computed, strict=True):
                append(_to_float16(keras.ops.convert_to_numpy(values)))
            progress(start + len(batch), len(images))
    for stem, (made, _) in missing.items():
        workdir.write_atomically(directory / f"{stem}.json", json.dumps(made, indent=2) + "\n")


def _to_float16(values: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):  # an error below
        halved = values.astype(np.float16)
    if not np.isfinite(halved).all():
        raise InputError(f"a representation does not fit into float16: {np.abs(values).max()}")
    return halved


def _stem(network: str, num_layers: int) -> str:
    return f"{network}_m{num_layers}"


def _reduced_stem(topology: FenTopology) -> str:
    digest = hashlib.sha256(topology.to_json().encode()).hexdigest()[:16]
    return f"{_stem(topology.network, topology.num_layers)}_{digest}"


@contextlib.contextmanager
def _array(directory, stem, dtype, shape) -> Iterator[Callable[[np.ndarray], None]]:
    """Writes ``stem.npy`` part after part, given its final shape; the file appears when complete."""
    partial = directory / f".{stem}.npy.partial"
    with open(partial, "wb") as file:
        header = {
            "descr": np.lib.format.dtype_to_descr(np.dtype(dtype)),
            "fortran_order": False,
            "shape": tuple(shape),
        }
        np.lib.format.write_array_header_1_0(file, header)
        yield lambda part: file.write(np.ascontiguousarray(part).data)
    os.replace(partial, directory / f"{stem}.npy")


def _read_record(path: pathlib.Path) -> dict | None:
    if not path.exists():
        return None
    try:
        return dict(json.loads(path.read_text()))
    except (ValueError, TypeError) as error:
        raise InputError(f"{path} is no record of a cache: {error}; delete {path.parent}") from error


def _check_made(name: pathlib.Path, held: Mapping[str, object], made: Mapping[str, object]) -> None:
    differing = [
        f"{field} is {held.get(field)!r} there and {made.get(field)!r} here"
        for field in sorted({*held, *made})
        if held.get(field) != made.get(field)
    ]
    if differing:
        raise InputError(
            f"cache {name} was made from other images, weights or preprocessing: {'; '.join(differing)}; "
            "delete it or choose another directory"
        )


def _check_file(directory: pathlib.Path, stem: str, shape: Sequence[int]) -> None:
    path = directory / f"{stem}.npy"
    try:
        found = np.load(path, mmap_mode="r").shape
    except (OSError, EOFError, ValueError) as error:
        raise InputError(f"cache {path} is damaged: {error}; delete {directory}") from error
    if found != tuple(shape):
        raise InputError(
            f"cache {path} is damaged: shape {found}, expected {tuple(shape)}; delete {directory}"
        )
