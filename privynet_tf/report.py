"""The report of the whole flow, for people: a short table, and ``report.md`` with all of it."""

import pathlib
from collections.abc import Mapping

from privynet_tf import workdir
from privynet_tf.planning import delivery
from privynet_tf.topology import FenTopology

REPORT = "report.md"


def rows(result: Mapping[str, Mapping]) -> list[tuple[str, str]]:
    """What was measured, as (name, value with its unit); of a plan, first which limits were kept.

    The privacy loss is that of the stronger attacker: where a linear decoder beats the IRN, the IRN
    is under-trained, and its PSNR would overstate the privacy.
    """
    icn, baseline, irn, cost = (result[name] for name in ("icn", "baseline", "irn", "cost"))
    ridge = irn["ridge"]
    attacker, loss = stronger_attacker(irn)
    ssim = "not defined" if loss["ssim"] is None else f"{loss['ssim']:.3f}"
    planned = delivery.rows(result["delivery"]) if "delivery" in result else []
    return [
        *planned,
        ("Utility: ICN on representations", f"{icn['utility']:.1%}"),
        (f"Unsplit baseline: ICN on images, {baseline['epochs']} epochs", f"{baseline['utility']:.1%}"),
        ("Class prior", f"{icn['class_prior']:.1%}"),
        (f"Privacy loss: mean PSNR of the {attacker}", f"{loss['psnr']:.2f} dB"),
        ("- standard deviation over images", f"{loss['psnr_std']:.2f} dB"),
        ("- 95th percentile over images", f"{loss['psnr_p95']:.2f} dB"),
        ("- mean SSIM", ssim),
        ("PSNR of the IRN on test images", f"{irn['psnr']:.2f} dB"),
        ("PSNR of the IRN on training images", f"{irn['train_psnr']:.2f} dB"),
        ("PSNR of the ridge decoder on test images", f"{ridge['psnr']:.2f} dB"),
        ("FEN: parameters", f"{cost['parameters']:,}"),
        ("FEN: multiply-accumulates an image", f"{cost['macs'] / 1e6:.1f} M"),
        ("FEN: bytes of weights (float32)", f"{cost['weight_bytes']:,}"),
    ]


def stronger_attacker(irn: Mapping) -> tuple[str, Mapping]:
    """Who reconstructs better, in words, and what is known of these reconstructions."""
    ridge = irn["ridge"]
    return ("IRN", irn) if irn["psnr"] >= ridge["psnr"] else ("ridge decoder", ridge)


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
        *(f"| {name} | {value} |" for name, value in rows(result)),
        "",
        f"- FEN: the first {topology.num_layers} layers of {topology.network}, released channels "
        f"{list(topology.output_channels)}. This line is private: whoever knows the FEN can attack it.",
        f"- LiteRT models of the FEN: {_sizes(result['litert_bytes'])}.",
        f"- Release: {release['examples']} examples of {release['shape']}, {release['bytes']:,} bytes.",
        f"- ICN: {icn['train_examples']:,} training examples, {icn['epochs']} epochs; accuracy "
        f"{icn['train_accuracy']:.1%} on them, {icn['validation_accuracy']:.1%} on the validation split.",
        f"- IRN: {irn['train_examples']:,} training pairs, {irn['epochs']} epochs. The ridge decoder was "
        f"fitted to {irn['ridge_pairs']:,} of them.",
    ]
    if irn["psnr"] < irn["ridge"]["psnr"]:
        lines += [
            "",
            "**The IRN is worse than the linear decoder, so it is under-trained: train it longer before "
            "you trust its PSNR.**",
        ]
    if "delivery" in result:
        lines += ["", *delivery.lines(result["delivery"])]
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


def _sizes(litert_bytes: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {size:,} bytes" for name, size in litert_bytes.items()) or "none"
