"""Promised against delivered: what a plan said, and what was measured of the FEN that came of it.

The record is of JSON types, as it stands in a run's result; utility, and what the limits of ``plans.LIMITS``
restrict under their names.
"""

from collections.abc import Mapping

from privynet_tf.planning import plan_report
from privynet_tf.planning.candidates import Spread
from privynet_tf.planning.plans import LIMITS, Plan, rounded_up, written

_NAMES = {
    "max_psnr": "privacy",
    "max_latency_ms": "latency",
    "max_bytes": "storage",
    "max_macs": "computation",
}
_MEASURES = {
    "max_psnr": "privacy loss (PSNR, stronger attacker)",
    "max_latency_ms": "latency of an image",
    "max_bytes": "file of the FEN",
    "max_macs": "multiply-accumulates",
}
_UNITS = {"max_psnr": "dB", "max_latency_ms": "ms", "max_bytes": "bytes", "max_macs": "MACs"}


def record(
    plan: Plan,
    delivered: Mapping[str, float],
    platform: Mapping[str, object],
    made: Mapping[str, tuple[str, str]],
    pruned: Mapping[str, int | None],
) -> dict:
    """Puts what was delivered beside what was promised.

    Args:
        plan: which promised.
        delivered: ``utility`` and a value for each of ``plans.LIMITS``, as measured.
        platform: how the delivered latency was measured, by column of the cost table.
        made: column -> how the characterization and this run were made, where they differ.
        pruned: ``channels`` of the layer, ``least_discriminative`` and ``leakiest`` that were dropped (None
            where the table does not tell what each leaks), ``kept`` to draw from.
    """
    chosen = plan.promised
    promised = {"max_psnr": chosen.privacy_loss.mean, "max_latency_ms": chosen.latency_ms}
    promised |= {"max_bytes": chosen.bytes, "max_macs": chosen.macs}
    spreads = {
        name: {"mean": spread.mean, "std": spread.std, "sets": spread.sets}
        for name, spread in (("utility", chosen.utility), ("max_psnr", chosen.privacy_loss))
    }
    elsewhere = {
        name: [str(plan.platform[name]), str(value)]
        for name, value in platform.items()
        if name in plan.platform and plan.platform[name] != value
    }
    return {
        "chosen": chosen.name,
        "limits": plan.limits.given(),
        "promised": promised,
        "spreads": spreads,
        "delivered": dict(delivered),
        "platform": dict(platform),
        "elsewhere": elsewhere,
        "made": {name: list(values) for name, values in made.items()},
        "pruned": dict(pruned),
    }


def kept(record: Mapping, name: str) -> bool | None:
    """Whether the delivered FEN keeps a limit; None for a latency that was promised for another platform."""
    if name == "max_latency_ms" and record["elsewhere"]:
        return None
    return record["delivered"][name] <= record["limits"][name]


def rows(record: Mapping) -> list[tuple[str, str]]:
    """For each limit whether it was kept, as (name, value with its unit)."""
    return [
        (f"{_NAMES[name].capitalize()} limit of {_limit(name, limit)}", _verdict(record, name))
        for name, limit in record["limits"].items()
    ]


def lines(record: Mapping) -> list[str]:
    """A section of the report, in Markdown."""
    return [
        "## Promised and delivered",
        "",
        *(
            f"- **{_NAMES[name]} limit of {_limit(name, limit)}: {_verdict(record, name)}**"
            for name, limit in record["limits"].items()
        ),
        "",
        f"| {record['chosen']} | promised | delivered | limit |",
        "| --- | ---: | ---: | ---: |",
        *_table(record),
        "",
        "- [The plan](plan/plan.md), with the reason for every choice. What it promises is the mean over "
        "channel sets, drawn from all channels; what was delivered is one set, drawn after pruning.",
        _pruning(record["pruned"]),
        f"- Delivered latency: the package's LiteRT model, {_sentence(record['platform'])}.",
        *_notes(record),
    ]


def comparison(records: Mapping[str, Mapping]) -> list[str]:
    """Several plans, promised beside delivered, as a table in Markdown.

    Args:
        records: name of a run -> its record.
    """
    table = [
        "| run | limits | chosen | utility promised | delivered | PSNR promised | delivered | kept |",
        "| --- | --- | --- | ---: | ---: | ---: | ---: | --- |",
    ]
    for name, one in records.items():
        utility, loss = (Spread(**one["spreads"][part]) for part in ("utility", "max_psnr"))
        cells = (
            name,
            ", ".join(_limit(limit, value) for limit, value in one["limits"].items()),
            one["chosen"],
            plan_report.over_sets(utility, 100, 1, "%"),
            f"{one['delivered']['utility']:.1%}",
            plan_report.over_sets(loss, 1, 2, " dB"),
            written("max_psnr", one["delivered"]["max_psnr"]),
            ", ".join(f"{_NAMES[limit]} {_verdict(one, limit)}" for limit in one["limits"]),
        )
        table.append(f"| {' | '.join(cells)} |")
    return table


def _table(record: Mapping) -> list[str]:
    limits, promised, delivered = (record[name] for name in ("limits", "promised", "delivered"))
    utility, loss = (Spread(**record["spreads"][name]) for name in ("utility", "max_psnr"))
    over_sets = {"max_psnr": plan_report.over_sets(loss, 1, 2, " dB")}
    table = [
        f"| utility (test accuracy) | {plan_report.over_sets(utility, 100, 1, '%')} | "
        f"{delivered['utility']:.1%} |  |"
    ]
    for name in LIMITS:
        value = "not measured" if promised[name] is None else written(name, promised[name])
        value, measured = over_sets.get(name, value), written(name, delivered[name])
        limit = _limit(name, limits[name]) if name in limits else ""
        table.append(f"| {_MEASURES[name]} | {value} | {measured} | {limit} |")
    return table


def _verdict(record: Mapping, name: str) -> str:
    value, limit, verdict = record["delivered"][name], record["limits"][name], kept(record, name)
    text = written(name, value)
    if verdict is None:
        return f"not judged ({text} here)"
    if verdict:
        return f"kept ({text})"
    # A value just above the limit must not look as if it kept it.
    return f"NOT kept ({rounded_up(name, value) if text == written(name, limit) else text})"


def _limit(name: str, value: float) -> str:
    return f"{value:,.10g} {_UNITS[name]}"


def _pruning(pruned: Mapping[str, int | None]) -> str:
    worst, leakiest, channels = (pruned[name] for name in ("least_discriminative", "leakiest", "channels"))
    left = f"drawn from the {pruned['kept']} left"
    if leakiest is None:
        return (
            f"- Pruned on the private images: the {worst} least discriminative of {channels} channels; "
            f"{left}. No channel was pruned for its privacy loss: the characterization does not have every "
            "channel of this layer alone."
        )
    return (
        f"- Pruned: the {worst} least discriminative of {channels} channels on the private images, and the "
        f"{leakiest} leakiest by the characterization; {left}."
    )


def _notes(record: Mapping) -> list[str]:
    notes = []
    if kept(record, "max_psnr") is False:
        notes.append(
            "- **The FEN leaks more than allowed: do not release these representations under this limit.** "
            "--margin_sigmas plans with a distance to it; a characterization like this run promises better."
        )
    if record["elsewhere"]:
        there, here = zip(*record["elsewhere"].values(), strict=True)
        notes.append(
            f"- The promised latency is of another platform: {', '.join(there)}, not {', '.join(here)}."
        )
    if record["made"]:
        differing = "; ".join(f"{name} {one}, here {two}" for name, (one, two) in record["made"].items())
        notes.append(
            f"- The characterization was made otherwise than this run: {differing}. The promise is only as "
            "good as that likeness."
        )
    return notes


def _sentence(columns: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in columns.items())
