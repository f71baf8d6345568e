"""What the number format of a FEN on the device does to utility and privacy loss (section 3.2).

A LiteRT model of fewer bits computes other representations. ICN and IRN are trained on what each gives, so
that the effect is measured and not assumed.
"""

import dataclasses
import pathlib
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from privynet_tf import fen_package, irn, litert, measurement, tables, training

_BATCH = 128


@dataclasses.dataclass(frozen=True)
class Effort:
    """How ICN and IRN are trained.

    Attributes:
        icn: training of the ICN, from the seed of each repeat on.
        irn: training of the IRN, likewise.
        architecture: of the IRN.
        irn_images: the IRN trains on the first so many images.
        irn_test_images: privacy loss is measured on the first so many.
        repeats: trainings of each, with seeds from 0.
    """

    icn: training.Settings
    irn: training.Settings
    architecture: irn.Architecture
    irn_images: int
    irn_test_images: int
    repeats: int = 1


@dataclasses.dataclass(frozen=True)
class Result:
    """What was measured with one format.

    Attributes:
        number_format: of ``fen_package.FORMATS``.
        error: root mean square difference from the Keras model's representations of the test images,
            relative to their root mean square.
        utility: of each repeat.
        psnr: of each repeat's IRN, dB.
        ridge_psnr: of the ridge decoder, dB.
    """

    number_format: str
    error: float
    utility: tuple[float, ...]
    psnr: tuple[float, ...]
    ridge_psnr: float

    @property
    def privacy_loss(self) -> tuple[float, ...]:
        """Of the stronger attacker, of each repeat, dB."""
        return tuple(tables.privacy_loss({"psnr": psnr, "ridge_psnr": self.ridge_psnr}) for psnr in self.psnr)


def measure(
    package: pathlib.Path,
    number_format: str,
    splits: Mapping[str, tuple[np.ndarray, np.ndarray]],
    num_classes: int,
    effort: Effort,
) -> Result:
    """Trains ICN and IRN on the representations of one format.

    Args:
        package: of the FEN.
        number_format: of ``fen_package.FORMATS``.
        splits: ``train``, ``validation`` (for the ridge decoder) and ``test`` -> images [N, S, S, 3]
            uint8 and labels [N].
        num_classes: K.
        effort: of the trainings.

    Raises:
        InputError: if the package lacks the format, or a training diverges.
    """
    transform = fen_package.transform(package, number_format)
    data = {
        name: (_representations(transform, pixels), pixels, labels)
        for name, (pixels, labels) in splits.items()
    }
    exact = _representations(fen_package.transform(package), splits["test"][0])
    train, validation, test = (
        (representations[:count], pixels[:count])
        for (representations, pixels, _), count in (
            (data["train"], effort.irn_images),
            (data["validation"], None),
            (data["test"], effort.irn_test_images),
        )
    )
    utility, psnr = [], []
    for seed in range(effort.repeats):
        (found,) = measurement.utilities(
            data["train"][::2],
            data["test"][::2],
            [exact.shape[-1]],
            num_classes,
            dataclasses.replace(effort.icn, seed=seed),
        )
        utility.append(found["utility"])
        loss, _ = measurement.privacy_loss(
            train, test, effort.architecture, dataclasses.replace(effort.irn, seed=seed)
        )
        psnr.append(loss["psnr"])
    ridge = measurement.ridge_floor(train, validation, test)["ridge_psnr"]
    error = litert.rms_error(exact.astype(np.float32), data["test"][0].astype(np.float32))
    return Result(number_format, error, tuple(utility), tuple(psnr), ridge)


def lines(results: Sequence[Result]) -> list[str]:
    """A table in Markdown; differences from the first are means of those of equal seeds."""
    table = [
        "| format | error | utility | minus the first | privacy loss (dB) | minus the first | IRN | ridge |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    first = results[0]
    for one in results:
        cells = [one.number_format, f"{one.error:.2%}"]
        for name, digits in (("utility", 4), ("privacy_loss", 2)):
            values, others = np.array(getattr(one, name)), np.array(getattr(first, name))
            cells += [_spread(values, digits), "" if one is first else _spread(values - others, digits, "+")]
        cells += [_spread(np.array(one.psnr), 2), f"{one.ridge_psnr:.2f}"]
        table.append(f"| {' | '.join(cells)} |")
    return table


def _representations(transform: Callable[[np.ndarray], np.ndarray], pixels: np.ndarray) -> np.ndarray:
    """As a release holds them: float16."""
    parts = [transform(pixels[start : start + _BATCH]) for start in range(0, len(pixels), _BATCH)]
    return np.concatenate(parts).astype(np.float16)


def _spread(values: np.ndarray, digits: int, sign: str = "") -> str:
    mean = f"{values.mean():{sign}.{digits}f}"
    return mean if len(values) == 1 else f"{mean} ± {values.std(ddof=1):.{digits}f}"
