"""The data owner's ranking of channels: measured on private images, locally, and kept there.

What this writes says which channels may be released and shows private images, so it is for the owner
alone, as the FEN package is.
"""

import csv
import dataclasses
import io
import os
import pathlib
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence

import keras
import numpy as np

from privynet_tf import cost, fen, fen_package, fisher, litert, ranking_figures
from privynet_tf.errors import InputError
from privynet_tf.pruning import Pruning
from privynet_tf.topology import FenTopology

RANKING = "ranking.csv"
FEN = "fen"
"""The FEN package of the selected channels, in the directory of a ranking."""

SHOWN_IMAGES = 6


@dataclasses.dataclass(frozen=True)
class Ranking:
    """What was measured of every channel, and what is dropped for it.

    Attributes:
        discriminability: [D] J of eq. (6).
        privacy_loss: [D] in dB, from a characterization; None without one.
        pruning: what follows from both.
    """

    discriminability: np.ndarray
    privacy_loss: np.ndarray | None
    pruning: Pruning

    def rows(self) -> list[dict[str, object]]:
        """A row a channel, the most discriminative (rank 1) first; ``privacy_loss`` is None without one.

        ``pruned_by`` is empty, ``discriminability``, ``privacy loss`` or ``both``.
        """
        order = np.argsort(-self.discriminability, kind="stable")
        return [
            {
                "channel": int(channel),
                "J": float(self.discriminability[channel]),
                "rank": rank,
                "privacy_loss": None if self.privacy_loss is None else float(self.privacy_loss[channel]),
                "pruned_by": reason(self.pruning, channel),
            }
            for rank, channel in enumerate(order, start=1)
        ]


def reason(pruning: Pruning, channel: int) -> str:
    """Why a channel is pruned, as in the column ``pruned_by``; empty if it is kept."""
    return {
        (True, True): "both",
        (True, False): "discriminability",
        (False, True): "privacy loss",
        (False, False): "",
    }[channel in pruning.worst, channel in pruning.leakiest]


def discriminability(
    model: keras.Model,
    images: np.ndarray,
    labels: np.ndarray,
    batch_size: int = 128,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> np.ndarray:
    """J of every channel of a FEN, eq. (6); representations are computed and forgotten by minibatch.

    Args:
        model: the FEN with all channels.
        images: [N, S, S, 3] in [0, 255].
        labels: [N].
        batch_size: images a minibatch.
        progress: takes images done and total.

    Returns:
        [D] float64; see ``fisher.discriminability``.

    Raises:
        InputError: if images and labels are not equally many, or so few that J says nothing.
    """
    if len(images) != len(labels):
        raise InputError(f"images and labels must be equally many. Received: {len(images)} and {len(labels)}")
    least = model.output_shape[1] * model.output_shape[2] + len(np.unique(labels))
    if len(images) < least:
        raise InputError(
            f"discriminability needs at least {least} images, the pixels of a channel and the classes: with "
            f"fewer, every channel separates them. Received: {len(images)}"
        )

    def minibatches() -> Iterator[np.ndarray]:
        for start in range(0, len(images), batch_size):
            batch = images[start : start + batch_size]
            yield fen.apply(model, batch)
            progress(start + len(batch), len(images))

    return fisher.discriminability(minibatches(), labels)


def extra_macs(
    topology: FenTopology, output_depth: int, image_size: int, num_images: int, num_classes: int
) -> tuple[int, int]:
    """Multiply-accumulates that a ranking adds to the release of the same images (appendix E).

    Args:
        topology: of the FEN with all D channels.
        output_depth: ``D'``; the paper's first part is the other D - D' channels of the last convolution.
        image_size: height and width in pixels.
        num_images: N.
        num_classes: K.

    Returns:
        Those of the FEN, and those of J with the paper's formula and constants of 1:
        D ((K + N) d^2 + d^3) for maps of d pixels.
    """
    released = dataclasses.replace(topology, output_channels=range(output_depth))
    network = cost.of_topology(topology, image_size).macs - cost.of_topology(released, image_size).macs
    height, width, depth = topology.output_shape(image_size)
    pixels = height * width
    return num_images * network, depth * ((num_classes + num_images) * pixels**2 + pixels**3)


def lines(rows: Sequence[Mapping[str, object]]) -> list[str]:
    """A ranking as text in columns."""
    texts = ["rank  channel          J  privacy loss  pruned by"]
    for row in rows:
        loss = "" if row["privacy_loss"] is None else f"{row['privacy_loss']:.2f} dB"
        text = f"{row['rank']:4}  {row['channel']:7}  {row['J']:9.4f}  {loss:>12}  {row['pruned_by']}"
        texts.append(text.rstrip())
    return texts


def check_new(directory: pathlib.Path) -> None:
    """Raises an InputError if there is a ranking already: a selection is never changed."""
    if directory.exists():
        raise InputError(f"--out={directory} already exists; choose another directory, or delete it")


def save(
    directory: pathlib.Path,
    ranking: Ranking,
    model: keras.Model,
    images: np.ndarray,
    labels: np.ndarray,
    selected: FenTopology | None = None,
    selected_model: keras.Model | None = None,
    litert_formats: Sequence[str] = (),
) -> None:
    """Writes the ranking, its pictures and the FEN package of the selection, for the owner alone.

    Leaves ``RANKING``, ``discriminability.png`` and ``contact_sheet.png`` (and ``.svg`` of the first)
    and ``FEN``, if anything is selected; the directory appears when complete.

    Args:
        directory: which must not exist.
        ranking: of the channels.
        model: the FEN with all channels.
        images: [N, S, S, 3] uint8; the first of some classes are shown.
        labels: [N].
        selected: topology of the FEN that will release; None leaves its package to the caller.
        selected_model: that FEN.
        litert_formats: of the LiteRT models in its package; see ``fen_package.save``.
    """
    check_new(directory)
    partial = directory.with_name(f".{directory.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.parent.mkdir(parents=True, exist_ok=True)
    partial.mkdir(mode=0o700)
    rows = ranking.rows()
    (partial / RANKING).write_text(_csv(rows))
    ranking_figures.discriminability(rows, partial / "discriminability")
    _, first = np.unique(labels, return_index=True)
    shown = images[first[:SHOWN_IMAGES]]
    ranking_figures.contact_sheet(rows, shown, fen.apply(model, shown), partial / "contact_sheet.png")
    for path in partial.iterdir():
        path.chmod(0o600)
    if selected:
        sample = images[: litert.REPRESENTATIVE_IMAGES]
        fen_package.save(partial / FEN, selected, selected_model, litert_formats, sample)
    os.replace(partial, directory)


def read(directory: pathlib.Path) -> list[dict[str, object]]:
    """The rows of a ranking that ``save`` wrote, as ``Ranking.rows`` gave them.

    Raises:
        InputError: if there is none.
    """
    path = directory / RANKING
    try:
        with open(path, newline="") as file:
            return [
                {
                    "channel": int(row["channel"]),
                    "J": float(row["J"]),
                    "rank": int(row["rank"]),
                    "privacy_loss": float(row["privacy_loss"]) if row["privacy_loss"] else None,
                    "pruned_by": row["pruned_by"],
                }
                for row in csv.DictReader(file)
            ]
    except (OSError, KeyError, ValueError) as error:
        raise InputError(f"{path} is no ranking of channels: {type(error).__name__}: {error}") from error


def _csv(rows: Sequence[Mapping[str, object]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
