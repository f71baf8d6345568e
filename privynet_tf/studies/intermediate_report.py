"""The report of the study of intermediate channels: Markdown with figures 14 and 15, from tables alone."""

import math
import pathlib
from collections.abc import Mapping, Sequence

import numpy as np
import scipy.stats

from privynet_tf import figures, intermediate, tables, workdir
from privynet_tf.device import cost_tables
from privynet_tf.device.cost_tables import Row as CostRow
from privynet_tf.paper_figures import series
from privynet_tf.studies import intermediate_figures, intermediate_scores, intermediate_study
from privynet_tf.studies.intermediate_study import DISCRIMINATIVE, DRAWN, Depths, Key, Results, Study
from privynet_tf.studies.pruning_sets import Measured
from privynet_tf.studies.pruning_study import Interval

REPORT = "intermediate.md"

_FIGURES = {14: intermediate.FIGURE_14, 15: intermediate.FIGURE_15}
_PAPER = {
    14: "accuracy and PSNR rarely change, runtime drops",
    15: "similar accuracy and PSNR, runtime drops",
}


def _utility(one: Measured) -> np.ndarray:
    return one.utility


def _loss(one: Measured) -> np.ndarray:
    return one.privacy_loss


_SIDES = ((_utility, 3), (_loss, 2))
"""Function, and digits."""


def from_tables(
    directory: pathlib.Path,
    study: Study,
    scores: pathlib.Path,
    table: pathlib.Path,
    costs: pathlib.Path,
    device: str | None,
) -> None:
    """Writes ``REPORT`` and the figures; see ``write``.

    Args:
        directory: made if absent.
        study: what was measured.
        scores: of ``intermediate_scores``; need not exist where the study needs none.
        table: that the FENs were measured into.
        costs: table of costs.
        device: of that table; None for the only one.

    Raises:
        InputError: if one of the three lacks something.
    """
    layers = study.scored_layers()
    discriminability = intermediate_scores.read(scores, {"network": study.network}, layers)
    chosen = intermediate_study.topologies(study, discriminability)
    results = intermediate_study.measured(chosen, tables.read(table), str(table))
    image_size = results.rows[0]["image_size"]
    cost_rows = intermediate_study.costs(study, cost_tables.read(costs), image_size, device, str(costs))
    write(directory, study, results, cost_rows, intermediate_scores.made_of(scores) if layers else None)


def write(
    directory: pathlib.Path,
    study: Study,
    results: Results,
    costs: Mapping[Depths, CostRow],
    scored: Mapping[str, str] | None,
) -> None:
    """Writes ``REPORT`` and the figures.

    Args:
        directory: made if absent.
        study: what was measured.
        results: of every strategy and setting.
        costs: of every setting.
        scored: what J was measured on, from ``intermediate_scores.made_of``; None without it.
    """
    directory.mkdir(parents=True, exist_ok=True)
    pictures = {}
    for name, settings in drawn_settings(study).items():
        pictures[name] = f"![{name}]({name}.png)"
        figures.save(intermediate_figures.figure(study, settings, results, costs), directory / name)
    sections = [
        heading(study, results, scored),
        effect(study, results),
        cost(study, costs),
        claims(study, results, costs),
        between_strategies(study, results),
        list(pictures.values()),
    ]
    lines = [line for section in sections if section for line in [*section, ""]]
    workdir.write_atomically(directory / REPORT, "\n".join(lines))


def drawn_settings(study: Study) -> dict[str, Sequence[Depths]]:
    """Name of each figure, and its settings: the paper's, or else all together."""
    papers = {
        f"fig{number}": settings
        for number, settings in _FIGURES.items()
        if _of_the_paper(study) and set(settings) <= set(study.settings)
    }
    return papers if set().union(*papers.values()) == set(study.settings) else {"settings": study.settings}


def heading(study: Study, results: Results, scored: Mapping[str, str] | None) -> list[str]:
    """What was measured, and how far the intervals can be trusted."""
    # Percentiles of a bootstrap are those of a normal whose deviation is too small by (n - 1) / n.
    n = study.draws
    narrow = scipy.stats.t.ppf(0.975, n - 1) / (scipy.stats.norm.ppf(0.975) * math.sqrt((n - 1) / n))
    lines = [
        f"# Intermediate channel selection: m={study.num_layers} of {study.network}",
        "",
        f"{n} draws of {study.whole[-1]} released channels; on each, every setting and strategy is measured, "
        "and differences from the whole FEN are paired over the draws, with 95 % bootstrap intervals. From "
        f"{n} draws such intervals are too narrow: Student's would be about {narrow:.1f} times as wide. "
        "Privacy loss is the stronger attacker's PSNR, of the IRN and the ridge decoder. "
        + series.budgets(("", results.rows, side) for side in ("icn", "irn")),
    ]
    if DRAWN in study.strategies:
        lines += ["", f"`{DRAWN}`: the kept channels are drawn at random, anew in each draw (the paper's)."]
    if DISCRIMINATIVE in study.strategies:
        lines += ["", f"`{DISCRIMINATIVE}`: those of the largest J are kept, the same in each draw"]
        if scored:
            count = int(scored["scored_images"])
            lines[-1] += f"; J from {count:,} images of {scored['images']}, split {scored['train_split']}"
            pixels = int(scored["image_size"]) ** 2
            if count <= pixels:
                lines[-1] += f". With no more images than pixels, {pixels:,}, J says next to nothing"
        lines[-1] += "."
    return lines


def effect(study: Study, results: Results) -> list[str]:
    """Utility and privacy loss of each setting and strategy, and their differences from the whole FEN."""
    lines = [
        "## Utility and privacy loss (figures 14 and 15)",
        "",
        "| kept channels | strategy | utility | minus the whole | privacy loss (dB) | minus the whole |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for strategy, depths in _keys(study):
        found = results.by_key[strategy, depths]
        cells = [_name(depths), strategy if depths != study.whole else "whole"]
        for side, digits in _SIDES:
            values = side(found)
            cells.append(f"{values.mean():.{digits}f} ± {values.std(ddof=1):.{digits}f}")
            difference = results.difference((strategy, depths), (strategy, study.whole), side)
            cells.append(_interval(difference, digits) if depths != study.whole else "")
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def cost(study: Study, costs: Mapping[Depths, CostRow]) -> list[str]:
    """What each setting costs, and how that compares with the whole FEN."""
    whole = costs[study.whole]
    lines = [
        "## Cost",
        "",
        f"LiteRT, float32, one thread, batch 1, on {whole['device']}: median latency of {whole['repeats']} "
        "calls, with 10th and 90th percentile. In brackets: of the whole FEN.",
        "",
        "| kept channels | parameters | MACs (millions) | latency (ms an image) | file (kB) |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    for depths in study.settings:
        row = costs[depths]
        percent = {
            name: f"({row[name] / whole[name]:.0%})" for name in ("parameters", "macs", "latency_ms", "bytes")
        }
        lines.append(
            f"| {_name(depths)} | {row['parameters']:,} {percent['parameters']} "
            f"| {row['macs'] / 1e6:.1f} {percent['macs']} "
            f"| {row['latency_ms']:.2f}, {row['latency_ms_p10']:.2f} to {row['latency_ms_p90']:.2f} "
            f"{percent['latency_ms']} | {row['bytes'] / 1e3:,.0f} {percent['bytes']} |"
        )
    return lines


def claims(study: Study, results: Results, costs: Mapping[Depths, CostRow]) -> list[str]:
    """The paper's claim on each figure, and what was measured here; nothing without its settings."""
    lines = []
    for number, settings in _FIGURES.items():
        reduced = [one for one in settings[1:] if one in study.settings and _of_the_paper(study)]
        for strategy in study.strategies if reduced else ():
            found = [
                [
                    (depths, results.difference((strategy, depths), (strategy, study.whole), side))
                    for depths in reduced
                ]
                for side, _ in _SIDES
            ]
            utility, loss = (max(one, key=lambda pair: abs(pair[1].value)) for one in found)
            clear = [sum(one.low > 0 or one.high < 0 for _, one in side) for side in found]
            lines.append(
                f"| {number} | {_PAPER[number]} | {strategy} | {utility[1].value:+.3f} ({_name(utility[0])}) "
                f"| {clear[0]} of {len(reduced)} | {loss[1].value:+.2f} ({_name(loss[0])}) "
                f"| {clear[1]} of {len(reduced)} | {_least(costs, reduced, study.whole, 'macs')} "
                f"| {_least(costs, reduced, study.whole, 'latency_ms')} |"
            )
    if not lines:
        return []
    return [
        "## The paper's claim",
        "",
        "The largest mean differences from the whole FEN, and how many of the intervals above exclude 0.",
        "",
        "| figure | the paper | strategy | utility | clear | privacy loss (dB) | clear | MACs fall to "
        "| latency falls to |",
        "| ---: | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
        *lines,
    ]


def between_strategies(study: Study, results: Results) -> list[str]:
    """Differences of the two strategies, paired over draws; nothing with one of them."""
    if not {DRAWN, DISCRIMINATIVE} <= set(study.strategies):
        return []
    lines = [
        f"## {DISCRIMINATIVE.capitalize()} minus {DRAWN}",
        "",
        "| kept channels | utility | privacy loss (dB) |",
        "| --- | ---: | ---: |",
    ]
    for depths in study.settings[1:]:
        cells = [
            _interval(results.difference((DISCRIMINATIVE, depths), (DRAWN, depths), side), digits)
            for side, digits in _SIDES
        ]
        lines.append(f"| {_name(depths)} | {' | '.join(cells)} |")
    return lines


def _of_the_paper(study: Study) -> bool:
    """Whether the layer and ``D'`` are the paper's."""
    return (study.network, study.num_layers, study.whole) == ("vgg16", 6, intermediate.FIGURE_14[0])


def _keys(study: Study) -> list[Key]:
    """Each strategy and setting, but the whole FEN, which is the same with all strategies, once."""
    return [(study.strategies[0], study.whole), *(key for key in study.keys if key[1] != study.whole)]


def _least(costs: Mapping[Depths, CostRow], settings: Sequence[Depths], whole: Depths, column: str) -> str:
    return f"{min(costs[depths][column] for depths in settings) / costs[whole][column]:.0%}"


def _name(depths: Depths) -> str:
    return ", ".join(map(str, depths))


def _interval(interval: Interval, digits: int) -> str:
    return f"{interval.value:+.{digits}f} ({interval.low:+.{digits}f} to {interval.high:+.{digits}f})"
