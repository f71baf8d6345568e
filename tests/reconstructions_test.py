import numpy as np
import pytest

from privynet_tf import reconstructions
from privynet_tf.errors import InputError
from privynet_tf.grid import Cell

CELL = Cell("vgg16", 6, (3, 40), 0, "digits", 10)


def test_the_first_images_of_a_cell_come_back_as_pixels(tmp_path):
    images = np.arange(9 * 4 * 4 * 3, dtype=np.uint8).reshape(9, 4, 4, 3)
    guesses = images / np.float32(255) + 0.001
    guesses[0, 0, 0] = (-0.5, 1.5, 0.5)
    reconstructions.save(tmp_path, CELL.columns(), images, guesses)
    originals, pixels = reconstructions.load(tmp_path, CELL.columns())
    np.testing.assert_array_equal(originals, images[:8])
    np.testing.assert_array_equal(pixels[0, 0, 0], (0, 255, 128))
    np.testing.assert_array_equal(pixels[1:], images[1:8])


def test_another_cell_has_none(tmp_path):
    with pytest.raises(InputError, match="has no reconstructions of the cell with m=6, channels 3 40"):
        reconstructions.load(tmp_path, CELL.columns())
