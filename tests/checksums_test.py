import subprocess

import pytest

from privynet_tf import checksums
from privynet_tf.errors import InputError


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "a.txt").write_text("one")
    (tmp_path / "b.bin").write_bytes(bytes(range(256)))
    checksums.write(tmp_path)
    return tmp_path


def test_sha256sum_agrees(folder):
    done = subprocess.run(
        ["sha256sum", "--strict", "-c", checksums.NAME],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == ["a.txt: OK", "b.bin: OK"]


def test_unchanged(folder):
    checksums.check(folder, "parcel")


def test_each_change_is_one_line(folder):
    def check(message):
        with pytest.raises(InputError, match=message) as caught:
            checksums.check(folder, "parcel")
        assert "\n" not in str(caught.value)

    (folder / "a.txt").write_text("two")
    check(f"parcel {folder} is truncated or edited: a.txt does not match")
    (folder / "a.txt").unlink()
    check(f"parcel {folder} is incomplete: a.txt is missing")
    (folder / "a.txt").write_text("one")
    checksums.check(folder, "parcel")
    (folder / "c").mkdir()
    check(f"parcel {folder} was edited: c does not belong to it")
    (folder / "SHA256SUMS").write_bytes(b"\xff\xfe  a.txt\n")
    check("parcel .* is truncated or edited: a.txt does not match")
    (folder / "SHA256SUMS").unlink()
    check(f"{folder} is no parcel: it has no SHA256SUMS")
