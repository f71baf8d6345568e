"""The report of the whole flow, for people: a short table, and ``report.md`` with all of it."""

import pathlib
from collections.abc import Mapping

from privynet_tf import workdir
from privynet_tf.topology import FenTopology

REPORT = "report.md"


def rows(result: Mapping[str, Mapping]) -> list[tuple[str, str]]:
    """What was measured, as (name, value with its unit)."""
    icn, baseline, irn, cost = (result[name] for name in ("icn", "baseline", "irn", "cost"))
    ssim = "not defined for such small images" if irn["ssim"] is None else f"{irn['ssim']:.3f}"
    return [
        ("Utility: ICN on representations", f"{icn['utility']:.1%}"),
        (f"Unsplit baseline: ICN on images ({baseline['epochs']} epochs)", f"{baseline['utility']:.1%}"),
        ("Class prior", f"{icn['class_prior']:.1%}"),
        ("Privacy loss: mean PSNR", f"{irn['psnr']:.2f} dB"),
        ("  standard deviation over images", f"{irn['psnr_std']:.2f} dB"),
        ("  95th percentile over images", f"{irn['psnr_p95']:.2f} dB"),
        ("  mean SSIM", ssim),
        ("  mean PSNR on training images", f"{irn['train_psnr']:.2f} dB"),
        ("Linear (ridge) decoder: mean PSNR", f"{irn['ridge_psnr']:.2f} dB"),
        ("FEN: parameters", f"{cost['parameters']:,}"),
        ("FEN: multiply-accumulates an image", f"{cost['macs'] / 1e6:.1f} M"),
        ("FEN: bytes of weights (float32)", f"{cost['weight_bytes']:,}"),
    ]


def write(directory: pathlib.Path, images_name: str, topology: FenTopology, result: Mapping) -> None:
    """Writes ``report.md`` into a run directory, from its results and settings.

    Args:
        directory: of the run; ``irn/reconstructions.png`` stands in it.
        images_name: of the source of the images.
        topology: of the FEN; the report is for the data owner, not for release.
        result: of every stage.
    """
    release, icn, irn = result["release"], result["icn"], result["irn"]
    lines = [
        f"# PrivyNet on {images_name}: m={topology.num_layers}, D'={topology.output_depth}",
        "",
        "| | |",
        "| --- | ---: |",
        *(f"| {name.replace('  ', '&emsp;')} | {value} |" for name, value in rows(result)),
        "",
        f"- FEN: the first {topology.num_layers} layers of {topology.network}, released channels "
        f"{list(topology.output_channels)}. This line is private: whoever knows the FEN can attack it.",
        f"- Release: {release['examples']} examples of {release['shape']}, {release['bytes']:,} bytes.",
        f"- ICN: {icn['train_examples']:,} training examples, {icn['epochs']} epochs; accuracy "
        f"{icn['train_accuracy']:.1%} on them, {icn['validation_accuracy']:.1%} on the validation split.",
        f"- IRN: {irn['train_examples']:,} training pairs, {irn['epochs']} epochs. The ridge decoder was "
        f"fitted to {irn['ridge_pairs']:,} of them.",
    ]
    if irn["psnr"] < irn["ridge_psnr"]:
        lines += [
            "",
            "**The IRN is worse than the linear decoder, so it is under-trained and the privacy loss "
            f"above is too small: at least {irn['ridge_psnr']:.2f} dB leak.**",
        ]
    lines += [
        "",
        "![Test images above their reconstructions](irn/reconstructions.png)",
        "",
        "Made with",
        "",
        "```",
        (directory / workdir.SETTINGS).read_text().strip(),
        "```",
        "",
    ]
    workdir.write_atomically(directory / REPORT, "\n".join(lines))
