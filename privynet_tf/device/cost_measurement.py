"""Measures what FENs cost on a device: files really written, latencies really timed (appendix D)."""

import os
import pathlib
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence

import keras
import numpy as np

from privynet_tf import cost, csv_tables, fen, litert, workdir
from privynet_tf.csv_tables import Column
from privynet_tf.device import cost_tables, latency
from privynet_tf.errors import InputError
from privynet_tf.networks import NETWORKS
from privynet_tf.topology import FenTopology, depth_of

ALL = "all"
"""As an output depth: every channel that the layer has."""


def topologies(
    networks: Sequence[str],
    layers: Sequence[int] = (),
    depths: Sequence[int | str] = (),
    intermediate_depths: Sequence[Sequence[int]] = (),
) -> list[FenTopology]:
    """A product of networks, layers and depths, each topology once.

    Args:
        networks: keys of ``networks.NETWORKS``.
        layers: numbers of layers ``m``; none for all that each network has.
        depths: output depths ``D'``, numbers or ``ALL``. A number counts where the layer has as many.
        intermediate_depths: kept channels of every convolution, the last included, as in figures 14 and
            15. Each counts for the ``m`` with as many convolutions.

    Raises:
        InputError: for a number out of range, or one that counts nowhere.
    """
    chosen, used = {}, set()
    for network in networks:
        for num_layers in layers or range(1, len(NETWORKS[network].layers) + 1):
            whole = FenTopology(network, num_layers)
            available = depth_of(NETWORKS[network], num_layers)
            for depth in depths:
                number = available if depth == ALL else depth
                if 1 <= number <= available:
                    used.add(depth)
                    chosen[FenTopology(network, num_layers, range(number))] = None
            for numbers in map(tuple, intermediate_depths):
                if len(numbers) == len(whole.convolutions):
                    used.add(numbers)
                    chosen[_with_depths(whole, numbers)] = None
    unused = [text for text in (*depths, *map(tuple, intermediate_depths)) if text not in used]
    if unused:
        raise InputError(
            f"no layer of {', '.join(networks)} among those asked for has an output depth, or convolutions "
            f"with kept channels, of {unused}"
        )
    return list(chosen)


def intermediate(topology: FenTopology) -> tuple[int, ...] | None:
    """Kept channels of each convolution before the last, or None for all, as a table has them."""
    before = topology.convolutions[:-1]
    kept = tuple(len(topology.kept_channels(layer.name)) for layer in before)
    return None if kept == tuple(layer.filters for layer in before) else kept


def measure(
    path: pathlib.Path,
    wanted: Sequence[FenTopology],
    image_size: int,
    number_formats: Sequence[str],
    threads: Sequence[int],
    effort: latency.Effort,
    device: str,
    *,
    with_keras: bool = True,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[cost_tables.Row]:
    """Measures FENs on this machine into a table, which is written after each FEN.

    Args:
        path: of the table. What it has is not measured again.
        wanted: the FENs.
        image_size: height and width of the images in pixels.
        number_formats: of ``cost.FORMATS``.
        threads: numbers of threads, each measured.
        effort: of each measurement.
        device: the name of this machine in the table.
        with_keras: also Keras's compiled function, with the threads that TensorFlow takes.
        progress: takes FENs done and all.

    Returns:
        All rows of the table.
    """
    rows = {cost_tables.key(row): row for row in cost_tables.read(path)} if path.exists() else {}
    cases = [(number_format, "litert", count) for number_format in number_formats for count in threads]
    cases += [("float32", "keras", os.cpu_count())] if with_keras else []
    for done, topology in enumerate(wanted, start=1):
        common = _known(topology, image_size) | {"device": device, "batch": effort.batch}
        keys = {
            cost_tables.key({**common, "format": number_format, "runtime": runtime, "threads": count})
            for number_format, runtime, count in cases
        }
        if not keys <= rows.keys():
            for row in _measured(topology, image_size, number_formats, threads, effort, device, with_keras):
                rows[cost_tables.key(row)] = row
            cost_tables.write(path, rows.values())
        progress(done, len(wanted))
    return list(rows.values())


def export(
    directory: pathlib.Path,
    wanted: Sequence[FenTopology],
    image_size: int,
    number_formats: Sequence[str],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Writes all that another device needs to measure the FENs: models, their index, the script.

    Args:
        directory: to write; appears when it is complete.
        wanted: the FENs.
        image_size: height and width of the images in pixels.
        number_formats: of ``cost.FORMATS``.
        progress: takes FENs done and all.

    Raises:
        InputError: if the directory exists.
    """
    if directory.exists():
        raise InputError(f"{directory} already exists; choose another directory for the models")
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory.parent, prefix=f".{directory.name}.") as partial:
        models = pathlib.Path(partial) / directory.name
        models.mkdir()
        index = []
        for done, topology in enumerate(wanted, start=1):
            index += _write_models(models, _build(topology, image_size), topology, number_formats)
            progress(done, len(wanted))
        columns = (Column(latency.FILE, str, "name of the model's file"), *cost_tables.MODEL)
        workdir.write_atomically(models / latency.INDEX, csv_tables.content(columns, index))
        shutil.copy(latency.__file__, models / "latency.py")
        models.rename(directory)


def _measured(
    topology: FenTopology,
    image_size: int,
    number_formats: Sequence[str],
    threads: Sequence[int],
    effort: latency.Effort,
    device: str,
    with_keras: bool,
) -> Iterator[cost_tables.Row]:
    model = _build(topology, image_size)
    with tempfile.TemporaryDirectory() as folder:
        for known in _write_models(pathlib.Path(folder), model, topology, number_formats):
            path = pathlib.Path(folder) / known.pop(latency.FILE)
            for count in threads:
                yield known | latency.of_model(path, count, effort, device)
        if with_keras:
            path = pathlib.Path(folder) / "fen.keras"
            model.save(path)
            size = path.stat().st_size
            yield _known(topology, image_size) | {"bytes": size} | _of_keras(model, effort, device)


def _write_models(
    directory: pathlib.Path, model: keras.Model, topology: FenTopology, number_formats: Collection[str]
) -> list[cost_tables.Row]:
    """Writes a FEN's LiteRT models; their columns ``MODEL``, and ``latency.FILE``."""
    image_size = model.input_shape[1]
    # Costs do not depend on the ranges of activations, so any images do for int8.
    shape = (litert.MIN_REPRESENTATIVE_IMAGES, image_size, image_size, 3)
    noise = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    kept = "-".join(map(str, (*(intermediate(topology) or ()), topology.output_depth)))
    rows = []
    for number_format in number_formats:
        name = f"{topology.network}_m{topology.num_layers}_{kept}_{number_format}.tflite"
        size = (directory / name).write_bytes(litert.convert(model, number_format, noise))
        rows.append({latency.FILE: name} | _known(topology, image_size, number_format) | {"bytes": size})
    return rows


def _known(topology: FenTopology, image_size: int, number_format: str = "float32") -> cost_tables.Row:
    """The columns ``MODEL``, but for the bytes of the file."""
    counted = cost.of_topology(topology, image_size)
    return {
        "network": topology.network,
        "m": topology.num_layers,
        "D'": topology.output_depth,
        "intermediate": intermediate(topology),
        "image_size": image_size,
        "parameters": counted.parameters,
        "macs": counted.macs,
        "peak_activation_bytes": cost.peak_activation_bytes(topology, image_size, number_format),
        "format": number_format,
    }


def _of_keras(model: keras.Model, effort: latency.Effort, device: str) -> cost_tables.Row:
    shape = (effort.batch, *model.input_shape[1:])
    images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    threads = os.cpu_count()  # TensorFlow's own choice
    return latency.of_call(lambda: model.predict_on_batch(images), "keras", threads, effort, device)


def _build(topology: FenTopology, image_size: int) -> keras.Model:
    return fen.build(topology, "random", image_size=image_size)


def _with_depths(whole: FenTopology, numbers: Sequence[int]) -> FenTopology:
    """A FEN that keeps the first channels of each convolution, so many; no cost depends on which."""
    for layer, number in zip(whole.convolutions, numbers, strict=True):
        if not 1 <= number <= layer.filters:
            raise InputError(
                f"{layer.name} has 1 to {layer.filters} channels to keep. Received: {list(numbers)}"
            )
    *before, last = [
        (layer, range(number)) for layer, number in zip(whole.convolutions, numbers, strict=True)
    ]
    kept = {layer.name: channels for layer, channels in before if len(channels) < layer.filters}
    return FenTopology(whole.network, whole.num_layers, last[1], kept)
