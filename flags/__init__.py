"""absl flags of the binaries, one module a topic; each turns its flags into a value of the library."""

import os

# Before TensorFlow is imported: it tells at length of a missing GPU. Failures come as exceptions anyway.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
