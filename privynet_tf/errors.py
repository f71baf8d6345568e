"""The one exception that means: what was given is wrong, and here is what is allowed."""


class InputError(ValueError):
    """Bad input from outside (a flag, a file, a dataset).

    The message is one line that names the input, what was received and what is allowed; binaries
    print it and exit with code 1.
    """
