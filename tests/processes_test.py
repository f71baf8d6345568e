import os
import pathlib
import signal
import subprocess
import sys
import time

from privynet_tf import processes

ROOT = pathlib.Path(__file__).absolute().parent.parent

_PARENT = """
import os, time
from privynet_tf import processes
if __name__ == "__main__":
    with processes.pool(2) as pool:
        print(pool.submit(os.getpid).result(), flush=True)
        pool.submit(time.sleep, 1000)
        time.sleep(1000)
"""


def test_processes_share_the_cores_and_are_deterministic():
    name = "OMP_NUM_THREADS"
    before = os.environ.get(name)
    with processes.pool(2) as pool:
        found = [pool.submit(os.getenv, variable).result() for variable in (name, "TF_DETERMINISTIC_OPS")]
    assert found == [str(max(1, (os.cpu_count() or 1) // 2)), "1"]
    assert os.environ.get(name) == before


def test_processes_end_with_a_killed_parent(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(_PARENT)
    parent = subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)])},
    )
    child = int(parent.stdout.readline())
    os.kill(child, 0)  # it is there
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    for _ in range(300):
        if not _runs(child):
            return
        time.sleep(0.1)
    raise AssertionError(f"process {child} outlives its parent")


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    # Ended, and not waited for by whoever inherited it, where that is so.
    state = pathlib.Path(f"/proc/{process}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"
