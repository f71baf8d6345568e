"""Flags: how a network is trained. Each binary defines them under the prefixes it needs."""

from collections.abc import Callable

from absl import flags

from flags import seed
from privynet_tf import training


def define(prefix: str, **defaults) -> Callable[[], training.Settings]:
    """Defines ``--<prefix>_epochs`` and so on, and returns the function that reads them."""
    default = training.Settings(**defaults)
    epochs = flags.DEFINE_integer(f"{prefix}_epochs", default.epochs, "Passes over the training data.")
    rate = flags.DEFINE_float(f"{prefix}_learning_rate", default.learning_rate, "Initial learning rate.")
    batch = flags.DEFINE_integer(f"{prefix}_batch_size", default.batch_size, "Examples a step.")
    optimizer = flags.DEFINE_enum(f"{prefix}_optimizer", default.optimizer, training.OPTIMIZERS, "Optimizer.")
    schedule = flags.DEFINE_enum(
        f"{prefix}_schedule",
        default.schedule,
        training.SCHEDULES,
        "Learning rate: times 0.1 at each drop epoch, cosine to 0, or constant.",
    )
    drops = flags.DEFINE_list(
        f"{prefix}_drop_epochs", list(map(str, default.drop_epochs)), "Epochs of schedule 'steps'."
    )
    average = flags.DEFINE_bool(
        f"{prefix}_average_weights",
        default.average_weights,
        "End with an exponential moving average of the weights (the TF tutorial's; not in the paper).",
    )
    precision = flags.DEFINE_enum(
        f"{prefix}_precision",
        default.precision,
        training.PRECISIONS,
        "Of the arithmetic; mixed_bfloat16 keeps weights in float32.",
    )
    flags.register_validator(
        drops, lambda values: all(value.isdecimal() for value in values), "must be whole numbers"
    )

    def settings() -> training.Settings:
        return training.Settings(
            epochs=epochs.value,
            learning_rate=rate.value,
            batch_size=batch.value,
            optimizer=optimizer.value,
            schedule=schedule.value,
            drop_epochs=tuple(int(value) for value in drops.value),
            average_weights=average.value,
            precision=precision.value,
            seed=seed.SEED.value,
        )

    return settings
