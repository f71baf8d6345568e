"""The whole of PrivyNet, in one directory: images -> FEN -> release -> ICN -> IRN -> report.

Local platform and cloud share a process here, for study; ``train.release``, ``train.train_icn`` and
``train.train_irn`` are the same stages apart.
"""

import dataclasses
import pathlib
from collections.abc import Callable, Mapping

import keras
import numpy as np

from privynet_tf import (
    cost,
    fen_package,
    images,
    irn,
    litert,
    report,
    representations,
    runs,
    training,
    workdir,
)
from privynet_tf.images import LabelledImages, Selection
from privynet_tf.topology import FenTopology

FEN = "fen"
"""The FEN package in a run's directory."""

IRN_VALIDATION_IMAGES = 1000


@dataclasses.dataclass(frozen=True)
class Settings:
    """What the flow trains, and on how much.

    Attributes:
        icn: training of the ICN.
        baseline: training of the same network on raw images.
        irn: training of the IRN.
        architecture: of the IRN.
        irn_images: training images of the IRN.
        dtype: of the released representations.
        litert_formats: of the LiteRT models in the FEN package.
        fen_format: what computes the representations, one of ``fen_package.FORMATS``.
    """

    icn: training.Settings
    baseline: training.Settings
    irn: training.Settings
    architecture: irn.Architecture
    irn_images: int
    dtype: str = "float16"
    litert_formats: tuple[str, ...] = ()
    fen_format: str = fen_package.KERAS


def write_release(
    directory: pathlib.Path,
    source: LabelledImages,
    selections: Mapping[str, Selection],
    transform: Callable[[np.ndarray], np.ndarray],
    *,
    with_images: bool = False,
    dtype: str = "float16",
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Writes the representations of a source's images as a release.

    Args:
        directory: of the release; must not exist.
        source: of the images.
        selections: split of the release -> which images.
        transform: the FEN, images [N, S, S, 3] -> representations [N, H', W', D'].
        with_images: makes a characterization release.
        dtype: of the stored representations.
        progress: called with the number of images done and of all.
    """
    total = sum(images.num_examples(source, selection) for selection in selections.values())
    representations.write(
        directory,
        {
            name: lambda selection=selection: images.examples(source, selection)
            for name, selection in selections.items()
        },
        transform,
        source.class_names,
        with_images=with_images,
        dtype=dtype,
        progress=lambda done: progress(done, total),
    )


def run(
    top: workdir.Run,
    source: LabelledImages,
    selections: Mapping[str, Selection],
    topology: FenTopology,
    build_fen: Callable[[FenTopology], keras.Model],
    settings: Settings,
    *,
    log: Callable[[str], None] = lambda line: None,
    progress: Callable[[int, int], None] = lambda done, total: None,
    verbose: int = 0,
    complete: Callable[[Mapping[str, Mapping]], Mapping[str, Mapping]] = lambda result: {},
) -> dict:
    """Runs every stage that is not finished yet.

    Args:
        top: the run that holds the stages' directories.
        source: of the private images, which here also stand for the public ones of the IRN.
        selections: of ``train``, ``validation`` and ``test``.
        topology: of the FEN, if the run does not have one yet: what was drawn at its start stays.
        build_fen: topology -> FEN; see ``fen.build``.
        settings: of the trainings.
        log: takes a line at the start of each stage.
        progress: takes images done and total while a release is written.
        verbose: what Keras prints in training.
        complete: takes the results of all stages, and returns more for the report.

    Returns:
        The results of the stages by name, as ``report.md`` shows them.
    """
    if top.result:
        return top.result

    def stage(name, stage_settings):
        log(name)
        return workdir.open_run(top.directory / name, dataclasses.asdict(stage_settings))

    log("fen")
    package = top.directory / FEN
    if not package.exists():
        formats = settings.litert_formats
        sample = litert.representative_images(source, selections["train"]) if formats else None
        fen_package.save(package, topology, build_fen(topology), formats, sample)
    topology = fen_package.load_topology(package)
    image_size = fen_package.load(package).input_shape[1]
    transform = fen_package.transform(package, settings.fen_format)

    release = _release(top.directory / "release", source, selections, transform, settings, log, progress)
    pairs = dict(selections)
    for name, limit in (("train", settings.irn_images), ("validation", IRN_VALIDATION_IMAGES)):
        pairs[name] = dataclasses.replace(pairs[name], max_images=limit)
    characterization = _release(
        top.directory / "characterization_release",
        source,
        pairs,
        transform,
        settings,
        log,
        progress,
        with_images=True,
    )

    result = {"icn": runs.train_icn(stage("icn", settings.icn), release, settings.icn, verbose)}
    result["baseline"] = _baseline(
        stage("baseline", settings.baseline), source, selections, settings, verbose
    )
    irn_run = stage("irn", settings.irn)
    result["irn"] = runs.train_irn(irn_run, characterization, settings.architecture, settings.irn, verbose)
    result["cost"] = dataclasses.asdict(cost.of_topology(topology, image_size))
    result["litert_bytes"] = fen_package.litert_bytes(package)
    result["release"] = {
        "shape": list(release.shape),
        "examples": dict(release.sizes),
        "bytes": sum(path.stat().st_size for path in release.directory.iterdir()),
    }
    result |= complete(result)
    report.write(top.directory, source.name, topology, result)
    workdir.finish(top, result)
    return result


def _release(directory, source, selections, transform, settings, log, progress, with_images=False):
    log(directory.name)
    if not directory.exists():
        write_release(
            directory,
            source,
            selections,
            transform,
            with_images=with_images,
            dtype=settings.dtype,
            progress=progress,
        )
    return representations.open_release(directory, images_needed=with_images)


def _baseline(stage, source, selections, settings, verbose):
    if stage.result:
        return stage.result
    splits = {name: images.arrays(source, selections[name]) for name in representations.SPLITS}
    return runs.train_classifier(stage, splits, source.class_names, settings.baseline, verbose)
