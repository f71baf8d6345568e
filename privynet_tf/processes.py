"""A pool of processes that share the cores of this machine, for trainings side by side.

Trainings of small networks on few cores are faster side by side than one after another: a thread each
waits for no other (``benchmarks/characterize.py`` compares).
"""

import contextlib
import logging
import multiprocessing.connection
import os
import threading
from collections.abc import Iterator
from concurrent import futures

_THREADS = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@contextlib.contextmanager
def pool(count: int) -> Iterator[futures.Executor]:
    """A pool of ``count`` processes, each with an equal part of the cores.

    TensorFlow is deterministic in them. They end with this process, also when it is killed.
    """
    share = str(max(1, (os.cpu_count() or 1) // count))
    with _environment(dict.fromkeys(_THREADS, share) | {"TF_DETERMINISTIC_OPS": "1"}):
        # A forked TensorFlow does not work.
        context = multiprocessing.get_context("spawn")
        with futures.ProcessPoolExecutor(count, context, _start) as executor:
            yield executor


@contextlib.contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Sets variables for the processes that are started meanwhile."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _start() -> None:
    """In a process of the pool."""
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    sentinel = multiprocessing.parent_process().sentinel

    def watch():
        multiprocessing.connection.wait([sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
