import json

import pytest
from absl import flags
from absl.testing import flagsaver

from eval import compare_plans
from privynet_tf.errors import InputError

RECORD = {
    "chosen": "m=6, D'=4",
    "limits": {"max_psnr": 17.0},
    "spreads": {
        "utility": {"mean": 0.7, "std": None, "sets": 1},
        "max_psnr": {"mean": 16.5, "std": None, "sets": 1},
    },
    "delivered": {"utility": 0.691, "max_psnr": 16.8},
    "elsewhere": {},
}


def call(*runs):
    with flagsaver.flagsaver():
        given = [f"--runs={','.join(map(str, runs))}"] if runs else []
        flags.FLAGS(["compare_plans", *given])
        compare_plans.main()


def make(directory, result=None):
    directory.mkdir()
    (directory / "settings.txt").write_text("--max_psnr=17\n")
    if result is not None:
        (directory / "result.json").write_text(json.dumps(result))
    return directory


def test_finished_runs_are_compared(tmp_path, capsys):
    call(make(tmp_path / "done", {"delivery": RECORD}), make(tmp_path / "running"))
    out, err = capsys.readouterr()
    assert "| done | 17 dB | m=6, D'=4 | 70.0% (one channel set) | 69.1% |" in out
    assert "privacy kept (16.80 dB)" in out
    assert err == f"{tmp_path / 'running'} has not finished\n"


def test_bad_input(tmp_path):
    with pytest.raises(InputError, match="--runs must name directories"):
        call()
    with pytest.raises(InputError, match="nothing is no run of train.run_privynet"):
        call(tmp_path / "nothing")
    with pytest.raises(InputError, match="without limits: nothing was promised"):
        call(make(tmp_path / "plain", {"icn": {}}))
    with pytest.raises(InputError, match="none of the runs has finished"):
        call(make(tmp_path / "running"))
