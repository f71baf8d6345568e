import ast
import pathlib
import re
import sys

import pytest

ROOT = pathlib.Path(__file__).parent.parent
SOURCES = sorted(
    path.relative_to(ROOT) for pattern in ("*/*.py", "privynet_tf/*/*.py") for path in ROOT.glob(pattern)
)
# Where a package's name on PyPI is not that of its module.
DISTRIBUTIONS = {"PIL": "pillow", "absl": "absl-py", "sklearn": "scikit-learn"}
# Tests also start binaries, which no import tells; the other rules depend on what they import, no more.
MAY_DEPEND_ON_MORE = ("pytest_test",)


def _targets(build_file):
    """The rules in a BUILD file: each its attributes, its ``rule`` and the names after its ``# pip:``."""
    text = (ROOT / build_file).read_text()
    for statement in ast.parse(text).body:  # what Starlark allows here, Python can parse
        call = getattr(statement, "value", None)
        if isinstance(call, ast.Call):
            attributes = {keyword.arg: _literal(keyword.value) for keyword in call.keywords}
            pip = set(re.findall(r"# pip: (\S+)", ast.get_source_segment(text, call)))
            yield {"srcs": [], "deps": []} | attributes | {"rule": call.func.id, "pip": pip}


def _literal(node):
    try:
        return ast.literal_eval(node)
    except ValueError:  # glob()
        return []


def _target(source):
    build_file = source.parent / "BUILD"
    found = [target for target in _targets(build_file) if source.name in target["srcs"]]
    assert [target["name"] for target in found] == [source.stem], (
        f"{build_file} must have {source.name} in the target {source.stem!r} and no other"
    )
    return found[0]


def _imports(source):
    """Names of the modules that a file imports; ``from a import b`` gives ``a.b``, which may be no module."""
    for node in ast.walk(ast.parse((ROOT / source).read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{source} has a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _label(module):
    """Label of the project's file that an import loads, or None where it is not the project's."""
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        path = pathlib.Path(*parts[:length])
        if path.with_suffix(".py") in SOURCES:
            return f"//{path.parent}:{path.name}"
        if path / "__init__.py" in SOURCES:
            return f"//{path}:__init__"
    return None


def _needed(source):
    """Labels of the project's modules and names of the distributions that a file needs."""
    imports = list(_imports(source))
    labels = {_label(module) for module in imports} - {None}
    if source.name != "__init__.py" and source.with_name("__init__.py") in SOURCES:
        labels.add(f"//{source.parent}:__init__")  # Python runs it before any module beside it
    if source.name == "__init__.py" and source.parent.with_name("__init__.py") in SOURCES:
        labels.add(f"//{source.parent.parent}:__init__")  # and before those of a package in it
    names = {module.partition(".")[0] for module in imports if _label(module) is None}
    names -= set(sys.stdlib_module_names)
    return labels, {DISTRIBUTIONS.get(name, name.replace("_", "-")) for name in names}


def test_the_project_is_seen():
    assert {source.parts[0] for source in SOURCES} >= {"privynet_tf", "flags", "train", "eval", "tests"}


@pytest.mark.parametrize("package", sorted({source.parent for source in SOURCES}), ids=str)
def test_targets_have_sources(package):
    named = {package / name for target in _targets(package / "BUILD") for name in target["srcs"]}
    assert named <= set(SOURCES)


@pytest.mark.parametrize("source", SOURCES, ids=str)
def test_target_is_what_its_source_needs(source):
    target = _target(source)
    # A test in a library would never run.
    assert (target["rule"] == "pytest_test") == source.stem.endswith("_test")
    labels, pip = _needed(source)
    deps = {f"//{source.parent}{dep}" if dep.startswith(":") else dep for dep in target["deps"]}
    assert deps >= labels
    assert target["pip"] == pip
    if target["rule"] not in MAY_DEPEND_ON_MORE:
        assert deps == labels
