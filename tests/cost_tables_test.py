import pytest

from privynet_tf import csv_tables
from privynet_tf.device import cost_tables, latency
from privynet_tf.errors import InputError


def _row(**changes):
    return {
        "network": "vgg16",
        "m": 6,
        "D'": 8,
        "intermediate": (32, 64, 128),
        "image_size": 32,
        "parameters": 100,
        "macs": 1000,
        "peak_activation_bytes": 5000,
        "format": "int8",
        "bytes": 300,
        "runtime": "litert",
        "threads": 2,
        "latency_ms": 0.1 + 0.2,
        "latency_ms_p10": 0.25,
        "latency_ms_p90": 1e-05,
        "repeats": 50,
        "device": 'a "phone", 2024',
        "batch": 1,
        **changes,
    }


def test_columns_are_those_that_other_stages_use():
    names = (
        "network m D' intermediate image_size parameters macs peak_activation_bytes format bytes "
        "runtime threads latency_ms latency_ms_p10 latency_ms_p90 repeats device batch"
    )
    assert [column.name for column in cost_tables.COLUMNS] == names.split()
    assert tuple(column.name for column in cost_tables.MEASURED) == latency.MEASURED
    assert list(_row()) == names.split()


def test_values_are_read_back_exactly(tmp_path):
    rows = [_row(m=1, intermediate=None), _row(), _row(threads=1, latency_ms=None)]
    cost_tables.write(tmp_path / "new" / "cost.csv", reversed(rows))
    assert cost_tables.read(tmp_path / "new" / "cost.csv") == [rows[0], rows[2], rows[1]]
    lines = (tmp_path / "new" / "cost.csv").read_text().splitlines()
    assert lines[1].startswith("vgg16,1,8,,32,100,")
    assert lines[3].startswith("vgg16,6,8,32 64 128,32,100,")


@pytest.mark.parametrize(
    ("column", "text", "message"),
    [
        ("network", "resnet", "network is 'resnet', expected one of .*'vgg16'"),
        ("format", "int4", r"format is 'int4', expected one of \('float32', 'float16', 'int8'\)"),
        ("runtime", "onnx", r"runtime is 'onnx', expected one of \('litert', 'keras'\)"),
        ("m", "six", "m is 'six', expected a whole number"),
        ("bytes", "0", "bytes is '0', expected a whole number"),
        ("intermediate", "32,64", "intermediate is '32,64', expected whole numbers separated by spaces"),
        ("latency_ms", "nan", "latency_ms is 'nan', expected milliseconds"),
        ("latency_ms", "-1", "latency_ms is '-1', expected milliseconds"),
        ("macs", "", r"\[\"macs\"\] must not be empty|\['macs'\] must not be empty"),
    ],
)
def test_bad_values(tmp_path, column, text, message):
    path = tmp_path / "cost.csv"
    path.write_text(csv_tables.content(cost_tables.COLUMNS, [_row(), _row(m=5) | {column: text}]))
    with pytest.raises(InputError, match=f"line 3: {message}") as caught:
        cost_tables.read(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "its columns lack .*'network'"),
        ("m,network\n", 'is no table of costs: its columns lack .*"D\'"'),
        ("\xff", "is no table of costs"),
    ],
)
def test_no_table(tmp_path, content, message):
    (tmp_path / "cost.csv").write_text(content)
    with pytest.raises(InputError, match=message):
        cost_tables.read(tmp_path / "cost.csv")


def test_unreadable(tmp_path):
    with pytest.raises(InputError, match="cannot read table .*cost.csv"):
        cost_tables.read(tmp_path / "cost.csv")
    (tmp_path / "cost.csv").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="cannot read table .*cost.csv"):
        cost_tables.read(tmp_path / "cost.csv")


def test_columns_in_another_order(tmp_path):
    (tmp_path / "cost.csv").write_text(csv_tables.content(cost_tables.COLUMNS[::-1], [_row()]))
    with pytest.raises(InputError, match="stand in another order"):
        cost_tables.read(tmp_path / "cost.csv")


def test_rows_that_are_short_or_twice(tmp_path):
    path = tmp_path / "cost.csv"
    cost_tables.write(path, [_row()])
    whole = path.read_text()
    path.write_text(whole + whole.splitlines()[1].replace("5000", "6000") + "\n")
    with pytest.raises(InputError, match="line 3: what this line measures stands in the table twice"):
        cost_tables.read(path)
    path.write_text(whole + "vgg16,6\n")
    with pytest.raises(InputError, match="line 3 has 2 values, expected 18"):
        cost_tables.read(path)
