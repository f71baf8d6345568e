"""Flag: the steps of a study. Of one module, as several binaries have it."""

from collections.abc import Sequence

from absl import flags

from privynet_tf.errors import InputError

_STEPS = flags.DEFINE_multi_string(
    "step", [], "Only this step of the study, see the binary's description; repeatable. All if unset."
)


def steps(known: Sequence[str]) -> set[str]:
    """The steps to take, of those known."""
    for name in _STEPS.value:
        if name not in known:
            raise InputError(f"--step must be of {','.join(known)}. Received: {name}")
    return set(_STEPS.value or known)
