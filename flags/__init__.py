"""absl flags of the binaries, one module a topic; each turns its flags into a value of the library."""
