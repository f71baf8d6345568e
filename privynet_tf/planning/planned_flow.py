"""The whole of PrivyNet from limits (Fig. 6): cost -> plan -> pruning -> selection, and on with ``flow``.

Every stage has its place in the run's directory and is done once: ``cost.csv``, ``plan``, ``ranking``.
"""

import dataclasses
import pathlib
from collections.abc import Callable, Mapping, Sequence

import keras
import numpy as np

from privynet_tf import characterization, fen_package, flow, images, pruning, ranking, report, tables, workdir
from privynet_tf.device import cost_measurement, cost_tables, latency
from privynet_tf.images import LabelledImages, Selection
from privynet_tf.planning import candidates, delivery, plan_files, planner, plans
from privynet_tf.planning.plans import Plan
from privynet_tf.planning.selection import Selection as RowSelection
from privynet_tf.topology import FenTopology

COST = "cost.csv"
PLAN = "plan"
RANKING = "ranking"
"""What a run has beside the stages of ``flow``."""

RANKING_IMAGES = 6400
"""Private images that channels are ranked by, at most: 50 minibatches of 128 (Fig. 12)."""


@dataclasses.dataclass(frozen=True)
class Request:
    """What a plan is asked for, and what it goes by.

    Attributes:
        limits: of the data owner.
        characterization: rows of a table, made with the same weights and preprocessing.
        cost_rows: of a cost table; None to measure on this machine what the limits need.
        selection: which rows of both are meant.
        strategy: of ``plans.STRATEGIES``.
        interpolate: see ``candidates.from_tables``.
        utility_tolerance: see ``planner.plan``.
        channel_seed: of the draw, for studies; None draws from the operating system's entropy.
    """

    limits: plans.Limits
    characterization: Sequence[tables.Row]
    cost_rows: Sequence[cost_tables.Row] | None = None
    selection: RowSelection = dataclasses.field(default_factory=RowSelection)
    strategy: str = "hierarchical"
    interpolate: bool = False
    utility_tolerance: float | None = None
    channel_seed: int | None = None

    @property
    def measures_cost(self) -> bool:
        """Whether a cost is limited that is to be measured here."""
        limits = self.limits
        return self.cost_rows is None and (limits.max_latency_ms, limits.max_bytes) != (None, None)

    @property
    def rows(self) -> list[Mapping[str, object]]:
        """The rows of the characterization that the plan goes by."""
        return candidates.characterized(self.characterization, self.selection)

    def available(self, cost_rows: Sequence[cost_tables.Row]) -> candidates.Candidates:
        return candidates.from_tables(
            self.characterization, cost_rows, self.selection, interpolate=self.interpolate
        )


def check(request: Request) -> None:
    """Plans without what is to be measured first, so that most errors come before anything is written.

    Raises:
        InfeasibleLimits: if no topology meets the limits that can be judged.
        InputError: if the tables do not hold what the limits ask for.
    """
    limits = request.limits
    if request.measures_cost:
        limits = dataclasses.replace(limits, max_latency_ms=None, max_bytes=None)
    available = request.available(request.cost_rows or ())
    planner.choose(limits, available, request.strategy, request.utility_tolerance)


def run(
    top: workdir.Run,
    request: Request,
    source: LabelledImages,
    selections: Mapping[str, Selection],
    build_fen: Callable[[FenTopology], keras.Model],
    settings: flow.Settings,
    *,
    log: Callable[[str], None] = lambda line: None,
    progress: Callable[[str], Callable[[int, int], None]] = lambda what: lambda done, total: None,
    verbose: int = 0,
) -> dict:
    """Runs every stage that is not finished yet; arguments and result as those of ``flow.run``.

    Args:
        request: what is planned; its LiteRT format must be one of ``settings.litert_formats``.
        progress: what is counted -> function that takes done and total.

    Returns:
        What ``flow.run`` returns, and ``delivery``, a ``delivery.record``.

    Raises:
        InfeasibleLimits: if no topology meets the limits; the run has the cost and the answer then.
    """
    if top.result:
        return top.result
    log("plan")
    plan = _planned(top.directory, request, progress("FENs measured"))
    log("ranking")
    ranked = _ranked(
        top.directory / RANKING, plan, request, source, selections, build_fen, progress("discriminability")
    )
    channels = [row["channel"] for row in ranked if not row["pruned_by"]]
    topology = FenTopology(
        plan.network,
        plan.num_layers,
        pruning.draw(sorted(channels), plan.output_depth, request.channel_seed),
    )

    def delivered(result: Mapping[str, Mapping]) -> dict[str, dict]:
        platform, measured = _measured(top.directory / flow.FEN, plan, request, result)
        made = _differences(request.rows, _made(source, selections, settings))
        return {"delivery": delivery.record(plan, measured, platform, made, _pruned(ranked))}

    return flow.run(
        top,
        source,
        selections,
        topology,
        build_fen,
        settings,
        log=log,
        progress=progress("representations"),
        verbose=verbose,
        complete=delivered,
    )


def _planned(directory: pathlib.Path, request: Request, progress: Callable[[int, int], None]) -> Plan:
    done = plan_files.read(directory / PLAN)
    if done:
        return done
    cost_rows = request.cost_rows or ()
    if request.measures_cost:
        rows, selection = request.rows, request.selection
        wanted = [
            FenTopology(rows[0]["network"], num_layers, range(depth))
            for num_layers, depth in sorted({(row["m"], row["D'"]) for row in rows})
        ]
        cost_rows = cost_measurement.measure(
            directory / COST,
            wanted,
            rows[0]["image_size"],
            [selection.format],
            [selection.threads],
            latency.Effort(batch=selection.batch),
            latency.device_name(),
            with_keras=False,
            progress=progress,
        )
    available = request.available(cost_rows)
    return plan_files.choose(
        directory / PLAN, request.limits, available, request.strategy, request.utility_tolerance
    )


def _ranked(
    directory: pathlib.Path,
    plan: Plan,
    request: Request,
    source: LabelledImages,
    selections: Mapping[str, Selection],
    build_fen: Callable[[FenTopology], keras.Model],
    progress: Callable[[int, int], None],
) -> list[dict[str, object]]:
    """The rows of the ranking; no channel is pruned for its privacy loss where that is not known of all."""
    if not directory.exists():
        topology = FenTopology(plan.network, plan.num_layers)
        model = build_fen(topology)
        loss = pruning.by_channel(request.rows, topology, tables.privacy_loss)
        loss = None if np.isnan(loss).any() else loss
        private = Selection(selections["train"].split, max_images=RANKING_IMAGES)
        pixels, labels = images.arrays(source, private)
        scores = ranking.discriminability(model, pixels, labels, progress=progress)
        num_leakiest = 0 if loss is None else plan.pruning.leakiest
        pruned = pruning.prune(scores, loss, plan.pruning.least_discriminative, num_leakiest)
        ranking.save(directory, ranking.Ranking(scores, loss, pruned), model, pixels, labels)
    return ranking.read(directory)


def _pruned(ranked: Sequence[Mapping[str, object]]) -> dict[str, int | None]:
    """How many channels were pruned for what, as ``delivery.record`` takes it."""
    reasons = [row["pruned_by"] for row in ranked]
    is_known = all(row["privacy_loss"] is not None for row in ranked)
    return {
        "channels": len(ranked),
        "least_discriminative": sum(reason in ("discriminability", "both") for reason in reasons),
        "leakiest": sum(reason in ("privacy loss", "both") for reason in reasons) if is_known else None,
        "kept": reasons.count(""),
    }


def _measured(
    package: pathlib.Path, plan: Plan, request: Request, result: Mapping[str, Mapping]
) -> tuple[dict[str, object], dict[str, float]]:
    """The platform here, and what was delivered, as ``delivery.record`` takes them."""
    selection = request.selection
    platform = {
        "format": selection.format,
        "runtime": "litert",
        "threads": selection.threads,
        "device": latency.device_name(),
        "batch": selection.batch,
    }
    path = package / fen_package.LITERT[selection.format]
    effort = latency.Effort(batch=selection.batch)
    timed = latency.of_model(path, selection.threads, effort, platform["device"])
    return platform, {
        "utility": result["icn"]["utility"],
        "max_psnr": report.stronger_attacker(result["irn"])[1]["psnr"],
        "max_latency_ms": timed["latency_ms"],
        "max_bytes": result["litert_bytes"][selection.format],
        "max_macs": result["cost"]["macs"],
    }


def _made(
    source: LabelledImages, selections: Mapping[str, Selection], settings: flow.Settings
) -> dict[str, object]:
    """How this run measures utility and privacy loss, by column of a characterization."""
    architecture, train = settings.architecture, selections["train"]
    count = source.num_images(train.split)
    budget = characterization.Budget(
        settings.icn, settings.irn, architecture.blocks, architecture.width, settings.irn_images
    )
    made = {
        "images": source.name,
        "train_images": count,
        "augmented_copies": train.augmented_copies,
        "irn_clusters": architecture.clusters,
        "irn_images": budget.irn_images(count),
        **budget.columns("icn"),
        **budget.columns("irn"),
    }
    del made["irn_max_images"]  # irn_images says it
    return made


def _differences(
    rows: Sequence[Mapping[str, object]], made: Mapping[str, object]
) -> dict[str, tuple[str, str]]:
    """Column -> its value in the characterization and here, where they differ."""
    sides = {
        column.name: side for side in tables.SIDES for column in tables.SIDES[side] if column.name in made
    }
    differing = {}
    for name, value in made.items():
        measured = [row for row in rows if name not in sides or tables.is_measured(row, sides[name])]
        there, here = tables.text(name, measured[0][name]), tables.text(name, value)
        if there != here:
            empty = "none" if name.endswith("_drop_epochs") else "all"
            differing[name] = there or empty, here or empty
    return differing
