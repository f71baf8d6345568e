"""The rules of rules_python that this project uses, as Bazel 4.2 has them built in."""

py_binary = native.py_binary
py_library = native.py_library
py_test = native.py_test
