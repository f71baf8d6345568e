import pytest

from privynet_tf import shipped, tables
from privynet_tf.errors import InputError


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Stands for the package's folder."""
    monkeypatch.setattr(shipped.importlib.resources, "files", lambda package: tmp_path / package)
    path = tmp_path / "privynet_tf" / "tables_data"
    path.mkdir(parents=True)
    return path


@pytest.mark.parametrize("name", shipped.CHARACTERIZATIONS)
def test_a_name_is_a_file_of_the_package(folder, name):
    path = folder / shipped.CHARACTERIZATIONS[name]
    with pytest.raises(
        InputError, match=f"--characterization={name} is not shipped .*{path.name} is missing"
    ):
        shipped.characterization(name)
    path.touch()
    assert shipped.characterization(name) == path


@pytest.mark.parametrize("name", shipped.CHARACTERIZATIONS)
def test_shipped_tables_can_be_read(name):
    try:
        path = shipped.characterization(name)
    except InputError as error:
        pytest.skip(str(error))
    assert any(tables.is_measured(row, "icn") for row in tables.read(path))


def test_a_path(tmp_path):
    path = tmp_path / "table.csv"
    with pytest.raises(
        InputError, match=r"one of \['embedded', 'imagenet'\] or the path .*table.csv', which"
    ):
        shipped.characterization(str(path))
    path.touch()
    assert shipped.characterization(str(path)) == path
