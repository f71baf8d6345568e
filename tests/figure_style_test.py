import itertools

import matplotlib.colors
import numpy as np
import pytest

from privynet_tf.paper_figures import figure_style
from privynet_tf.paper_figures.paper_numbers import Spread

DEPTHS = (2, 4, 8, 16, 32, 64, 128)


def _luminance(colour):
    """Relative luminance of WCAG 2."""
    channels = np.array(matplotlib.colors.to_rgb(colour))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return linear @ (0.2126, 0.7152, 0.0722)


@pytest.mark.parametrize(
    "styles",
    [[figure_style.of_layers(m) for m in range(1, 7)], [figure_style.of_depth(depth) for depth in DEPTHS]],
    ids=["layers", "depths"],
)
def test_series_differ_in_colour_and_marker(styles):
    for one, other in itertools.combinations(styles, 2):
        assert one["marker"] != other["marker"]
        distance = np.subtract(*(matplotlib.colors.to_rgb(style["color"]) for style in (one, other)))
        assert np.abs(distance).max() > 0.1
    for style in styles:
        assert 1.05 / (_luminance(style["color"]) + 0.05) > 1.5  # contrast with white


def test_depths_are_told_apart_without_hue():
    luminances = [_luminance(figure_style.of_depth(depth)["color"]) for depth in DEPTHS]
    assert luminances == sorted(luminances)
    assert figure_style.of_depth(512) == figure_style.of_depth(512)  # deeper than VGG16's second block


def test_a_single_value_has_no_bar(line):
    _, ((axis,),) = figure_style.panels((3, 3), 1, 1)
    figure_style.trend(axis, {1: [2.0], 3: [4.0, 6.0]}, "line", figure_style.of_layers(1), points=True)
    assert line(axis, "line") == ([1, 3], [2.0, 5.0])
    (bars,) = axis.containers[0].lines[2]
    without, with_bar = bars.get_segments()
    assert np.isnan(without).any() or not len(without)
    assert with_bar[:, 1] == pytest.approx([5 - 2**0.5, 5 + 2**0.5])
    (dots,) = [
        one for one in axis.lines if one.get_marker() == "o" and len(one.get_ydata()) == 2 and one.get_alpha()
    ]
    assert list(dots.get_ydata()) == [4.0, 6.0]


def test_the_papers_numbers_have_bars_where_it_gives_them(line):
    _, ((axis,),) = figure_style.panels((3, 3), 1, 1)
    figure_style.paper(axis, "paper", 6, Spread(18.3, 0.4))
    assert line(axis, "paper") == ([6], [18.3])
    (bars,) = axis.containers[0].lines[2]
    assert bars.get_segments()[0][:, 1] == pytest.approx([17.9, 18.7])


def test_a_note_is_wrapped_into_the_figure(check_legible):
    figure, _ = figure_style.panels((4, 3), 1, 1)
    text = figure_style.note(figure, "A sentence. " * 20, "", "The end.")
    assert text.endswith("sentence.  The end.")
    check_legible(figure)
