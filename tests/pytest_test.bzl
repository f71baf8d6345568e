"""A py_test for a pytest file."""

load("@rules_python//python:defs.bzl", "py_test")

def pytest_test(name, srcs, deps = [], data = []):
    """Declares a py_test that runs pytest on its one source.

    Args:
      name: of the target.
      srcs: the test file.
      deps: the libraries and binaries that it uses.
      data: the files that it reads.
    """
    if len(srcs) != 1:
        fail("pytest_test needs one source, got %s" % srcs)
    py_test(
        name = name,
        # Bazel wants main among the sources.
        srcs = srcs + ["bazel_main.py"],
        main = "bazel_main.py",
        args = srcs,
        data = data + ["//:pyproject.toml"],
        # The packages have their __init__.py. Bazel would add one to tests/, which is no package.
        legacy_create_init = 0,
        # An hour. A test takes seconds to a few minutes, but much longer where other work has the cores.
        timeout = "eternal",
        deps = deps + [
            ":bazel_main",
            ":conftest",
        ],
    )
