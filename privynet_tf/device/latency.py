"""Latency of LiteRT models on the machine where this runs (section 3.2, appendix D).

Besides a module this is a script, which needs nothing but ``ai_edge_litert`` and NumPy. On another device,
in a directory that ``python -m eval.measure_cost --export=DIRECTORY`` made,

    python latency.py --threads=1,2,4 --device="phone of 2024"

measures every model of ``models.csv`` and writes ``cost.csv``, a table of costs (``cost_tables.py``).
"""

import argparse
import csv
import dataclasses
import os
import pathlib
import platform
import sys
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from ai_edge_litert.interpreter import Interpreter

INDEX = "models.csv"
"""Says of every file of a directory of models what is known without a device; has a column FILE."""
FILE = "file"

TABLE = "cost.csv"

MEASURED = (
    "runtime",
    "threads",
    "latency_ms",
    "latency_ms_p10",
    "latency_ms_p90",
    "repeats",
    "device",
    "batch",
)
"""Columns that a measurement adds, in this order."""


@dataclasses.dataclass(frozen=True)
class Effort:
    """How a latency is measured.

    Attributes:
        repeats: calls that are timed, one by one.
        warmup: calls before, which fill caches and raise the clock.
        batch: images in a call.
    """

    repeats: int = 50
    warmup: int = 10
    batch: int = 1


def default_threads() -> tuple[int, ...]:
    """1, 2, 4 and so on up to the number of CPUs, and that number."""
    cpus = os.cpu_count() or 1
    return tuple(sorted({2**power for power in range(cpus.bit_length())} | {cpus}))


def device_name() -> str:
    """What the platform calls its CPU; nothing that names the machine."""
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    fields = dict(line.split(":", 1) for line in reversed(lines) if ":" in line)
    fields = {name.strip(): value.strip() for name, value in fields.items()}
    for name in ("model name", "Hardware", "Model"):
        if fields.get(name):
            return fields[name]
    return platform.processor() or platform.machine()


def of_model(
    path: pathlib.Path, threads: int, effort: Effort, device: str, seed: int = 0
) -> dict[str, object]:
    """Measures a LiteRT model on random images, each time from the image in memory to the representation.

    Args:
        path: of a ``.tflite`` file that takes images [N, S, S, 3].
        threads: to compute with.
        effort: of the measurement.
        device: its name.
        seed: of the images.

    Returns:
        The columns ``MEASURED``.
    """
    interpreter = Interpreter(model_path=str(path), num_threads=threads)
    (taken,), (given,) = interpreter.get_input_details(), interpreter.get_output_details()
    shape = (effort.batch, *map(int, taken["shape"][1:]))
    interpreter.resize_tensor_input(taken["index"], shape)
    interpreter.allocate_tensors()
    images = np.random.default_rng(seed).integers(0, 256, shape).astype(taken["dtype"])

    def call():
        interpreter.set_tensor(taken["index"], images)
        interpreter.invoke()
        interpreter.get_tensor(given["index"])

    return of_call(call, "litert", threads, effort, device)


def of_call(
    call: Callable[[], object], runtime: str, threads: int, effort: Effort, device: str
) -> dict[str, object]:
    """Times a call on a batch of images; the columns ``MEASURED``, in milliseconds an image."""
    for _ in range(effort.warmup):
        call()
    seconds = []
    for _ in range(effort.repeats):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    low, median, high = np.percentile(seconds, (10, 50, 90)) * 1000 / effort.batch
    values = runtime, threads, float(median), float(low), float(high), effort.repeats, device, effort.batch
    return dict(zip(MEASURED, values, strict=True))


def of_directory(
    directory: pathlib.Path,
    threads: Sequence[int],
    effort: Effort,
    device: str,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Measures every model of a directory and writes ``TABLE`` into it.

    Raises:
        ValueError: if the directory is not whole: a line for people.
    """
    index = _read_index(directory)
    rows = []
    for done, model in enumerate(index, start=1):
        known = {name: value for name, value in model.items() if name != FILE}
        for count in threads:
            rows.append({**known, **of_model(directory / model[FILE], count, effort, device)})
        progress(done, len(index))
    partial = directory / f".{TABLE}.partial"
    with partial.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    partial.replace(directory / TABLE)


def _read_index(directory: pathlib.Path) -> list[Mapping[str, str]]:
    with (directory / INDEX).open(newline="") as file:
        index = list(csv.DictReader(file))
    if not index or not {FILE, "bytes"} <= set(index[0]):
        raise ValueError(f"{directory / INDEX} names no models")
    for model in index:
        path = directory / model[FILE]
        size = path.stat().st_size
        if size != int(model["bytes"]):
            raise ValueError(f"{path} has {size} bytes, but {INDEX} says {model['bytes']}; copy it again")
    return index


def _number(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1. Received: {text!r}")
    return int(text)


def _numbers(text: str) -> list[int]:
    return [_number(part) for part in text.split(",")]


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures the models of a directory on this device.")
    parser.add_argument("--directory", type=pathlib.Path, default=pathlib.Path(__file__).parent)
    parser.add_argument("--threads", type=_numbers, help="e.g. 1,2,4")
    parser.add_argument("--repeats", type=_number, default=Effort.repeats)
    parser.add_argument("--warmup", type=_number, default=Effort.warmup)
    parser.add_argument("--batch", type=_number, default=Effort.batch)
    parser.add_argument("--device", default=device_name(), help="its name in the table")
    arguments = parser.parse_args()
    try:
        of_directory(
            arguments.directory,
            arguments.threads or default_threads(),
            Effort(arguments.repeats, arguments.warmup, arguments.batch),
            arguments.device,
            lambda done, total: print(f"models: {done:,}/{total:,}", file=sys.stderr),
        )
    except (OSError, ValueError) as error:
        sys.exit(f"error: {error}")
    print(arguments.directory / TABLE)


if __name__ == "__main__":
    main()
