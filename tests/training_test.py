import math
import os
import pathlib
import signal
import subprocess
import sys

import keras
import numpy as np
import pytest

from privynet_tf import irn, training
from privynet_tf.errors import InputError

ROOT = pathlib.Path(__file__).parent.parent.absolute()


def _data(count=40, seed=0):
    generator = np.random.default_rng(seed)
    inputs = generator.random((count, 8, 8, 2), dtype=np.float32)
    return inputs, generator.integers(0, 256, (count, 16, 16, 3), dtype=np.uint8)


def _settings(**changes):
    return training.Settings(**{"epochs": 4, "learning_rate": 0.01, "batch_size": 16} | changes)


def test_paper_schedule():
    settings = _settings(epochs=250, learning_rate=0.05, schedule="steps", drop_epochs=(100, 200))
    rates = [settings.rate(epoch) for epoch in (0, 99, 100, 199, 200, 249)]
    np.testing.assert_allclose(rates, [0.05, 0.05, 0.005, 0.005, 0.0005, 0.0005])


def test_cosine_schedule_anneals_to_almost_zero():
    settings = _settings(epochs=10, learning_rate=2.0, schedule="cosine")
    assert settings.rate(0) == 2.0
    assert settings.rate(5) == pytest.approx(1.0)
    assert 0 < settings.rate(9) < 0.1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epochs", 0),
        ("batch_size", 0),
        ("learning_rate", 0.0),
        ("learning_rate", math.nan),
        ("optimizer", "lion"),
        ("schedule", "linear"),
        ("drop_epochs", (200, 100)),
    ],
)
def test_settings_name_the_bad_field(field, value):
    with pytest.raises(InputError, match=field):
        _settings(**{field: value})


def test_order_depends_on_seed_and_epoch_alone():
    inputs = np.arange(50)
    batches = training.Batches(inputs, inputs, 10, seed=3)

    def epoch(number):
        batches.start_epoch(number)
        return np.concatenate([batches[index][1] for index in range(len(batches))])

    first, second = epoch(0), epoch(1)
    assert sorted(first) == list(inputs)
    assert list(first) != list(second)
    np.testing.assert_array_equal(epoch(0), first)
    other = training.Batches(inputs, inputs, 10, seed=4)
    assert list(np.concatenate([other[index][1] for index in range(5)])) != list(first)


def test_incomplete_batch_is_left_out_of_training_but_not_of_evaluation():
    inputs = np.arange(25)
    assert len(training.Batches(inputs, inputs, 10, seed=0)) == 2
    evaluation = training.Batches(inputs, inputs, 10)
    assert [len(evaluation[index][0]) for index in range(len(evaluation))] == [10, 10, 5]


def test_uint8_targets_are_scaled():
    images = np.full((4, 2, 2, 3), 255, np.uint8)
    _, targets = training.Batches(images, images, 4, target_scale=1 / 255)[0]
    np.testing.assert_allclose(targets, 1.0)


def test_batches_of_different_lengths_are_refused():
    with pytest.raises(InputError, match="Received: 3 and 2"):
        training.Batches(np.zeros(3), np.zeros(2), 2)


def test_callback_order():
    batches = training.Batches(*_data(), 16, seed=0)
    last = keras.callbacks.Callback()
    callbacks = training.training_callbacks(
        batches, _settings(average_weights=True), pathlib.Path("backup"), [last]
    )
    assert isinstance(callbacks[0], keras.callbacks.BackupAndRestore)
    assert isinstance(callbacks[1], keras.callbacks.SwapEMAWeights)
    assert callbacks[-1] is last


def test_normalization_is_adapted_in_batches_of_float32():
    # Squares of these overflow float16, and three chunks must combine.
    inputs = np.random.default_rng(0).normal(300, 50, (70, 4, 4, 3)).astype(np.float16)
    layer = keras.layers.Normalization()
    layer.build((None, 4, 4, 3))
    training.adapt_normalization(layer, inputs, rows=30)
    exact = inputs.astype(np.float64)
    np.testing.assert_allclose(np.ravel(layer.mean), exact.mean(axis=(0, 1, 2)), rtol=1e-5)
    np.testing.assert_allclose(np.ravel(layer.variance), exact.var(axis=(0, 1, 2)), rtol=1e-4)


def test_reestimated_batch_norm_is_the_mean_of_the_batches_statistics():
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.BatchNormalization(momentum=0.9)(inputs))
    data = np.random.default_rng(0).normal(5, 2, (40, 3)).astype(np.float32)
    batches = training.Batches(data, data, 10, seed=1)
    training.reestimate_batch_norm(model, batches)
    parts = [batches[index][0] for index in range(4)]
    norm = model.layers[-1]
    np.testing.assert_allclose(norm.moving_mean, np.mean([p.mean(0) for p in parts], 0), rtol=1e-5)
    np.testing.assert_allclose(norm.moving_variance, np.mean([p.var(0) for p in parts], 0), rtol=1e-4)
    assert norm.momentum == 0.9


def test_average_weights_are_the_ramped_exponential_average():
    inputs = keras.Input((1,))
    model = keras.Model(inputs, keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")(inputs))
    data = np.ones((12, 1), np.float32)
    seen = []

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(float(self.model.get_weights()[0][0, 0]))

    settings = _settings(epochs=2, learning_rate=0.1, batch_size=3, average_weights=True)
    training.fit(model, training.Batches(data, data, 3, seed=0), None, settings, "mse", [], None, [Watch()])
    average = seen[0]  # Keras starts the average at the first updated weights.
    for step, value in enumerate(seen[1:], start=1):
        decay = min(0.9999, (1 + step) / (10 + step))
        average = decay * average + (1 - decay) * value
    assert len(seen) == 8
    assert float(model.get_weights()[0][0, 0]) == pytest.approx(average, rel=1e-5)
    assert average != pytest.approx(seen[-1], rel=1e-3)


def test_divergence_is_an_error_that_names_the_epoch():
    with pytest.raises(InputError, match="diverged: the loss is .* in epoch 1; lower the learning rate"):
        irn.train(_data(), None, irn.Architecture(1, 1, 4), _settings(learning_rate=1e30))


def test_divergence_in_the_very_last_step_is_an_error_too():
    inputs = keras.Input((1,))
    model = keras.Model(inputs, keras.layers.Dense(1, use_bias=False)(inputs))
    data = np.full((2, 1), 1e19, np.float32)  # the loss is finite, its gradient's square is not
    settings = _settings(epochs=1, learning_rate=1e30, batch_size=2)
    with pytest.raises(InputError, match="diverged in the last epoch"):
        training.fit(model, training.Batches(data, data, 2, seed=0), None, settings, "mae", [])


def test_saved_model_has_no_optimizer_and_predicts_the_same(tmp_path):
    data = _data()
    model = irn.train(data, None, irn.Architecture(1, 1, 4), _settings(epochs=1))
    training.save(model, tmp_path / "irn.keras")
    loaded = keras.saving.load_model(tmp_path / "irn.keras")
    assert not loaded.compiled
    np.testing.assert_array_equal(loaded.predict(data[0], verbose=0), model.predict(data[0], verbose=0))
    assert [path.name for path in tmp_path.iterdir()] == ["irn.keras"]


# Trains an IRN with everything that has state: Adam, averaged weights, batch statistics. With an
# epoch given, the process kills itself in the middle of it.
_SCRIPT = """
import os, signal, sys, pathlib
import keras, numpy as np, tensorflow as tf
from privynet_tf import irn, training
from tests.training_test import _data, _settings
tf.config.experimental.enable_op_determinism()
directory, kill_epoch = pathlib.Path(sys.argv[1]), int(sys.argv[2])
class Kill(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch
    def on_train_batch_end(self, batch, logs=None):
        if self.epoch == kill_epoch and batch == 1:
            os.kill(os.getpid(), signal.SIGKILL)
settings = _settings(optimizer="adam", average_weights=True, schedule="cosine")
model = irn.train(_data(), None, irn.Architecture(1, 1, 4), settings, directory / "backup", [Kill()])
np.savez(directory / "weights.npz", *model.get_weights())
"""


def test_killed_training_ends_with_the_weights_of_an_uninterrupted_one(tmp_path):
    def train(name, kill_epoch):
        (tmp_path / name).mkdir(exist_ok=True)
        done = subprocess.run(
            [sys.executable, "-c", _SCRIPT, str(tmp_path / name), str(kill_epoch)],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            check=False,
        )
        return done.returncode

    assert train("whole", -1) == 0
    assert train("killed", 2) == -signal.SIGKILL
    assert not (tmp_path / "killed" / "weights.npz").exists()
    assert train("killed", 0) == 0  # starts in epoch 2, so epoch 0 is not there to be killed in
    whole, resumed = (np.load(tmp_path / name / "weights.npz") for name in ("whole", "killed"))
    for name in whole.files:
        np.testing.assert_array_equal(resumed[name], whole[name])


def test_epoch_comes_from_the_step_count_when_the_epoch_file_is_stale(tmp_path):
    """A kill between Keras's two files must not repeat an epoch."""
    epochs = []

    class Watch(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            epochs.append(epoch)

    def train(settings):
        irn.train(_data(), None, irn.Architecture(1, 1, 4), settings, tmp_path, [Watch()])

    train(_settings(epochs=2))
    metadata = tmp_path / "training_metadata.json"
    metadata.write_text(metadata.read_text().replace("2", "1"))
    train(_settings(epochs=4))
    assert epochs == [0, 1, 2, 3]
