import io

import keras
import numpy as np
import PIL.Image
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata
from tensorboard.util import tensor_util

from privynet_tf import summaries


def _images(count, size=4, seed=0):
    return np.random.default_rng(seed).random((count, size, size, 3)).astype(np.float32)


class TestGrid:
    def test_images_stand_above_their_reconstructions(self):
        images, guesses = _images(6), _images(6, seed=1)
        picture = summaries.grid(images, guesses, columns=3)
        assert picture.shape == (16, 12, 3)
        assert picture.dtype == np.float32
        for index in range(6):
            row, column = divmod(index, 3)
            across = slice(4 * column, 4 * column + 4)
            np.testing.assert_array_equal(picture[8 * row : 8 * row + 4, across], images[index])
            np.testing.assert_array_equal(picture[8 * row + 4 : 8 * row + 8, across], guesses[index])

    def test_what_is_left_of_the_last_row_is_white(self):
        picture = summaries.grid(_images(4), _images(4, seed=1), columns=3)
        assert picture.shape == (16, 12, 3)
        assert (picture[8:, 4:] == 1).all()
        assert (picture[8:, :4] < 1).all()

    def test_reconstructions_are_clipped(self):
        guesses = 4 * _images(3, seed=1) - 2
        picture = summaries.grid(_images(3), guesses, columns=3)
        assert guesses.min() < 0 < 1 < guesses.max()
        np.testing.assert_array_equal(picture[4:, :4], np.clip(guesses[0], 0, 1))

    def test_eight_columns_by_default(self):
        assert summaries.grid(_images(9), _images(9)).shape == (16, 32, 3)


def test_reconstruction_picture_shows_the_first_images_and_the_models_answers():
    representations = _images(20, seed=1).astype(np.float16)
    images = np.random.default_rng(0).integers(0, 256, (20, 4, 4, 3), dtype=np.uint8)
    model = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.Rescaling(0.5)])
    picture = summaries.reconstruction_picture(representations, images)(model)
    assert picture.shape == (16, 32, 3)  # 16 of the images
    np.testing.assert_allclose(picture[:4, 4:8], images[1] / 255, atol=1e-6)
    np.testing.assert_allclose(picture[12:, 28:], 0.5 * representations[15].astype(np.float32), atol=1e-6)


class TestEvents:
    """The files of one training, read with TensorBoard's own reader."""

    EPOCHS = 5

    @pytest.fixture(scope="class")
    def training(self, tmp_path_factory):
        directory = tmp_path_factory.mktemp("logs")
        shown = []

        def picture(model):
            shown.append(model)
            return np.full((4, 6, 3), [1.0, 0.5, 0.0], np.float32) * (0.1 * len(shown))

        hyperparameters = {"epochs": 5, "rate": 0.25, "optimizer": "sgd", "average": True, "drops": (1, 2)}
        callback = summaries.Summaries(directory, hyperparameters, picture, picture_epochs=2)
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse", metrics=["mae"])
        inputs = np.random.default_rng(0).normal(size=(16, 3)).astype(np.float32)
        history = model.fit(
            inputs,
            inputs.sum(axis=1),
            validation_data=(inputs[:4], inputs[:4, 0]),
            epochs=self.EPOCHS,
            verbose=0,
            callbacks=[keras.callbacks.LearningRateScheduler(lambda epoch: 0.1 / (epoch + 1)), callback],
        )
        assert all(model is each for each in shown)
        return directory, history.history

    @staticmethod
    def read(directory):
        events = EventAccumulator(str(directory), size_guidance={"tensors": 0})
        events.Reload()
        return events

    @pytest.mark.parametrize(
        ("folder", "prefix", "tags"),
        [("train", "", {"loss", "mae", "learning_rate"}), ("validation", "val_", {"loss", "mae"})],
    )
    def test_curves(self, training, folder, prefix, tags):
        directory, history = training
        events = self.read(directory / folder)
        assert set(events.Tags()["tensors"]) == tags
        for tag in tags:
            found = events.Tensors(tag)
            assert [event.step for event in found] == [1, 2, 3, 4, 5]
            values = [float(tensor_util.make_ndarray(event.tensor_proto)) for event in found]
            np.testing.assert_allclose(values, history[prefix + tag], rtol=1e-6)
            assert len(set(values)) == 5

    def test_pictures_at_every_second_epoch_and_the_last(self, training):
        events = self.read(training[0])
        found = events.Tensors("images above reconstructions")
        assert [event.step for event in found] == [2, 4, 5]
        for number, event in enumerate(found, start=1):
            width, height, png = tensor_util.make_ndarray(event.tensor_proto)
            assert (int(width), int(height)) == (6, 4)
            pixels = np.asarray(PIL.Image.open(io.BytesIO(png)))
            assert pixels.shape == (4, 6, 3)
            expected = 255 * 0.1 * number * np.array([1.0, 0.5, 0.0])
            np.testing.assert_allclose(pixels - expected, 0, atol=1)

    def test_hyperparameters(self, training):
        events = self.read(training[0])
        content = events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
        found = metadata.parse_session_start_info_plugin_data(content).hparams
        assert found["epochs"].number_value == 5
        assert found["rate"].number_value == 0.25
        assert found["optimizer"].string_value == "sgd"
        assert found["average"].bool_value is True
        assert found["drops"].string_value == "(1, 2)"

    def test_without_pictures(self, tmp_path):
        callback = summaries.Summaries(tmp_path, {"epochs": 1})
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        model.fit(np.ones((2, 1)), np.ones((2, 1)), verbose=0, callbacks=[callback])
        assert self.read(tmp_path / "train").Tags()["tensors"] == ["loss"]
        assert "images above reconstructions" not in self.read(tmp_path).Tags()["tensors"]
