"""The error that reaches a person: one clear sentence, never a traceback."""


class UserError(Exception):
    """Bad input from outside: a file, a topic, a parameter, a missing package.

    The message is one sentence that names the thing that is wrong and what to do.
    The command line prints it and exits with 2; the nodes put it into diagnostics.
    """
