import matplotlib.colors
import matplotlib.figure
import numpy as np
import PIL.Image
import pytest

from privynet_tf import pruning, ranking, ranking_figures


@pytest.fixture
def drawn(monkeypatch):
    """The figures that are saved, in order."""
    figures, save = [], matplotlib.figure.Figure.savefig

    def keep(figure, path, **options):
        save(figure, path, **options)
        figures.append(figure)

    monkeypatch.setattr(matplotlib.figure.Figure, "savefig", keep)
    return figures


def _ranking(depth, with_loss=True):
    generator = np.random.default_rng(0)
    scores, loss = generator.random(depth), generator.normal(14, 1, depth) if with_loss else None
    return ranking.Ranking(scores, loss, pruning.prune(scores, loss, depth // 2, with_loss * depth // 4))


def test_every_channel_stands_at_its_rank_with_its_reason(drawn, tmp_path):
    found = _ranking(16)
    ranking_figures.discriminability(found.rows(), tmp_path / "figure")
    above, below = drawn[0].axes
    bars = {round(bar.get_x() + bar.get_width() / 2): bar for bar in above.patches}
    order = np.argsort(-found.discriminability)
    colours = {"kept": found.pruning.kept, "least": set(found.pruning.worst) - set(found.pruning.leakiest)}
    colours["leakiest"] = set(found.pruning.leakiest) - set(found.pruning.worst)
    colours["both"] = set(found.pruning.leakiest) & set(found.pruning.worst)
    assert all(colours.values())
    assert len(bars) == 16
    legend = dict(zip(*above.get_legend_handles_labels()[::-1], strict=True))
    for label, handle in legend.items():
        (channels,) = [channels for name, channels in colours.items() if name in label]
        assert label.endswith(f"({len(channels)})")
        for rank, channel in enumerate(order, start=1):
            same = bars[rank].get_facecolor() == handle.patches[0].get_facecolor()
            assert same == (channel in channels)
    assert [bars[rank].get_height() for rank in range(1, 17)] == found.discriminability[order].tolist()
    points = {int(x): y for line in below.lines for x, y in line.get_xydata()}
    assert [points[rank] for rank in range(1, 17)] == found.privacy_loss[order].tolist()


def test_without_privacy_loss_there_is_one_panel(drawn, tmp_path):
    ranking_figures.discriminability(_ranking(16, with_loss=False).rows(), tmp_path / "figure")
    assert len(drawn[0].axes) == 1


@pytest.mark.parametrize("depth", [1, 2, 7, 64, 128])
def test_the_contact_sheet_shows_every_channel_once(drawn, tmp_path, depth):
    rows = _ranking(max(depth, 4)).rows()[:depth]
    images = np.full((2, 32, 32, 3), 200, np.uint8)
    maps = np.zeros((2, 8, 8, 128))
    ranking_figures.contact_sheet(rows, images, maps, tmp_path / "sheet.png")
    labels = [[text.get_text() for text in panel.get_yticklabels()] for panel in drawn[0].axes]
    assert all(block[0] == "image" for block in labels)
    shown = [label for block in labels for label in block[1:]]
    half = -(-depth // 2)
    order = [*rows[:half], *reversed(rows[half:])]
    assert shown == [f"{row['channel']}: {row['J']:.3f}" for row in order]
    assert max(PIL.Image.open(tmp_path / "sheet.png").size) < 3000


def test_maps_stand_in_the_row_of_their_channel(drawn, tmp_path):
    rows = _ranking(4).rows()
    images = np.zeros((2, 32, 32, 3), np.uint8)
    images[0] = (255, 0, 0)
    maps = np.zeros((2, 8, 8, 4))
    for row in rows:
        maps[1, :, :, row["channel"]] = row["rank"]  # the second image only, half bright in the first column
        maps[1, :, 0, row["channel"]] = row["rank"] / 2
    ranking_figures.contact_sheet(rows, images, maps, tmp_path / "sheet.png")
    for panel in drawn[0].axes:
        pixels = panel.images[0].get_array()
        for position, text in zip(panel.get_yticks(), panel.get_yticklabels(), strict=True):
            line = pixels[int(position)]
            first, second = line[:32], line[35:67]
            if text.get_text() == "image":
                assert (first == (255, 0, 0)).all()
                assert (second == 0).all()
            else:
                assert (first == 0).all()
                assert (second[:4] == 127).all()
                assert (second[4:] == 255).all()
    colours = {
        int(text.get_text().split(":")[0]): matplotlib.colors.to_hex(text.get_color())
        for panel in drawn[0].axes
        for text in panel.get_yticklabels()[1:]
    }
    for row in rows:
        assert (colours[row["channel"]] == "#000000") == (row["pruned_by"] == "")
