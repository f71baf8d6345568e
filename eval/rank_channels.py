r"""Ranks channels by what they tell of the classes, prunes the worst and the leakiest, draws from the rest.

python -m eval.rank_channels --images=photos --fen_weights=imagenet --num_layers=6 --output_depth=8 \
    --characterization=runs/table4/table.csv --out=private/ranking
python -m train.release --images=photos --fen_package=private/ranking/fen --release=out/release

Discriminability (eq. 6) is measured on the private images, locally; the privacy loss of each channel comes
from a characterization on public ones. Leaves ranking.csv, pictures of it and of what each channel shows,
and the FEN package of the drawn channels, from the operating system's entropy unless --channel_seed is
given. All of that, and what is printed, is private: whoever knows it can guess the FEN.
"""

import dataclasses
import math

from absl import flags

from flags import fen as fen_flags
from flags import images as image_flags
from flags import program
from flags import pruning as pruning_flags
from privynet_tf import images, pruning, ranking


def main():
    out, topology = pruning_flags.out(), fen_flags.ranked()
    ranking.check_new(out)
    num_worst, num_leakiest = pruning_flags.counts(topology.output_depth)
    source = image_flags.source()
    model = fen_flags.build(topology)
    loss = pruning_flags.privacy_loss(topology)
    pixels, labels = images.arrays(
        source,
        images.Selection(
            image_flags.selections(source)["train"].split,
            max_images=pruning_flags.BATCH_SIZE * pruning_flags.MINIBATCHES.value,
        ),
    )
    scores = ranking.discriminability(
        model, pixels, labels, pruning_flags.BATCH_SIZE, program.progress("discriminability")
    )
    ranked = ranking.Ranking(scores, loss, pruning.prune(scores, loss, num_worst, num_leakiest))
    kept, depth = ranked.pruning.kept, flags.FLAGS.output_depth
    selected = dataclasses.replace(
        topology, output_channels=pruning.draw(kept, depth, flags.FLAGS.channel_seed)
    )
    formats = fen_flags.litert_formats()
    ranking.save(out, ranked, model, pixels, labels, selected, fen_flags.build(selected), formats)

    extra = ranking.extra_macs(topology, depth, pixels.shape[1], len(pixels), len(source.class_names))
    print("\n".join(ranking.lines(ranked.rows())))
    print(f"images: {len(pixels):,}; local multiply-accumulates for the ranking (appendix E): ", end="")
    print(f"{extra[0] / 1e9:,.1f} G of the FEN, {extra[1] / 1e9:,.1f} G of J")
    if loss is None:
        print("no --characterization: no channel is pruned for its privacy loss")
    print(f"kept {len(kept)} of {topology.output_depth} channels; ", end="")
    print(f"drew {depth}, one set of 2^{math.log2(math.comb(len(kept), depth)):.1f}")
    print(f"{out}: the ranking, its pictures and the FEN package. Private, as are the lines above.")


if __name__ == "__main__":
    program.run(main)
