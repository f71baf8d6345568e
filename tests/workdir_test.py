import json
import os

import pytest

from privynet_tf import workdir
from privynet_tf.errors import InputError

SETTINGS = {"seed": 3, "epochs": 250, "images": "digits"}


def test_new_run(tmp_path):
    run = workdir.open_run(tmp_path / "some" / "run", SETTINGS)
    assert run.directory == tmp_path / "some" / "run"
    assert run.result is None
    assert (run.directory / "settings.txt").read_text() == "--epochs=250\n--images=digits\n--seed=3\n"
    assert [path.name for path in run.directory.iterdir()] == ["settings.txt"]


def test_empty_directory_is_a_new_run(tmp_path):
    assert workdir.open_run(tmp_path, SETTINGS).result is None
    assert (tmp_path / "settings.txt").exists()


def test_unfinished_run_is_resumed(tmp_path):
    workdir.open_run(tmp_path / "run", SETTINGS)
    (tmp_path / "run" / "backup").write_text("half a training")
    run = workdir.open_run(tmp_path / "run", dict(reversed(SETTINGS.items())))
    assert run.result is None
    assert (tmp_path / "run" / "backup").read_text() == "half a training"


def test_finished_run(tmp_path):
    result = {"utility": 0.75, "nothing": None, "names": ["a", "b"]}
    workdir.finish(workdir.open_run(tmp_path / "run", SETTINGS), result)
    assert json.loads((tmp_path / "run" / "result.json").read_text()) == result
    assert workdir.open_run(tmp_path / "run", SETTINGS).result == result


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (SETTINGS | {"seed": 4}, r"other settings; --seed differ \(there: --seed=3\)"),
        (
            SETTINGS | {"seed": 4, "images": "cifar10"},
            r"other settings; --images, --seed differ \(there: --images=digits --seed=3\)",
        ),
        (SETTINGS | {"split": "a=b"}, r"other settings; --split differ \(there: not set\)"),
        ({"seed": 3, "images": "digits"}, r"other settings; --epochs differ \(there: --epochs=250\)"),
    ],
)
@pytest.mark.parametrize("finished", [False, True])
def test_run_with_other_settings_is_refused(tmp_path, changed, message, finished):
    run = workdir.open_run(tmp_path / "run", SETTINGS)
    if finished:
        workdir.finish(run, {"utility": 1})
    before = {path.name: path.read_text() for path in run.directory.iterdir()}
    with pytest.raises(InputError, match=rf"run holds a run with {message}.*--overwrite") as caught:
        workdir.open_run(tmp_path / "run", changed)
    assert "\n" not in str(caught.value)
    assert {path.name: path.read_text() for path in run.directory.iterdir()} == before


@pytest.mark.parametrize("settings", [SETTINGS, SETTINGS | {"seed": 4}])
def test_overwrite_starts_afresh(tmp_path, settings):
    run = workdir.open_run(tmp_path / "run", SETTINGS)
    (run.directory / "logs").mkdir()
    (run.directory / "logs" / "events").write_text("old")
    workdir.finish(run, {"utility": 1})
    run = workdir.open_run(tmp_path / "run", settings, overwrite=True)
    assert run.result is None
    assert [path.name for path in run.directory.iterdir()] == ["settings.txt"]
    assert f"--seed={settings['seed']}\n" in (run.directory / "settings.txt").read_text()


def test_overwrite_of_nothing(tmp_path):
    assert workdir.open_run(tmp_path / "run", SETTINGS, overwrite=True).result is None


@pytest.mark.parametrize("overwrite", [False, True])
def test_foreign_files_are_left_alone(tmp_path, overwrite):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match=r"holds files but no run \(settings.txt is missing\)"):
        workdir.open_run(tmp_path, SETTINGS, overwrite=overwrite)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


@pytest.mark.parametrize("overwrite", [False, True])
def test_file_in_place_of_the_directory(tmp_path, overwrite):
    (tmp_path / "run").write_text("a file")
    with pytest.raises(InputError, match="run is a file; choose a directory"):
        workdir.open_run(tmp_path / "run", SETTINGS, overwrite=overwrite)
    assert (tmp_path / "run").read_text() == "a file"


class TestWriteAtomically:
    def test_writes_and_replaces(self, tmp_path):
        for text in ("one", "another"):
            workdir.write_atomically(tmp_path / "file.txt", text)
            assert (tmp_path / "file.txt").read_text() == text
        assert [path.name for path in tmp_path.iterdir()] == ["file.txt"]

    def test_killed_before_the_end_leaves_what_was_there(self, tmp_path, monkeypatch):
        path = tmp_path / "file.txt"
        path.write_text("before")
        seen = []

        def killed(source, target):
            # All is written, elsewhere, before the name changes hands.
            seen.append((source.read_text(), path.read_text()))
            raise KeyboardInterrupt

        monkeypatch.setattr(os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            workdir.write_atomically(path, "after")
        assert seen == [("after", "before")]
        assert path.read_text() == "before"

    def test_result_of_a_killed_finish_is_absent(self, tmp_path, monkeypatch):
        run = workdir.open_run(tmp_path / "run", SETTINGS)

        def killed(source, target):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", killed)
            with pytest.raises(KeyboardInterrupt):
                workdir.finish(run, {"utility": 1})
        assert workdir.open_run(tmp_path / "run", SETTINGS).result is None

    def test_killed_start_can_be_repeated(self, tmp_path, monkeypatch):
        def killed(source, target):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(os, "replace", killed)
            with pytest.raises(KeyboardInterrupt):
                workdir.open_run(tmp_path / "run", SETTINGS)
        assert workdir.open_run(tmp_path / "run", SETTINGS).result is None
        assert [path.name for path in (tmp_path / "run").iterdir()] == ["settings.txt"]
