"""PINs and passwords on the command line: from a prompt, an environment variable or a file descriptor.

Never from an argument: arguments can be read by every process of the computer.
"""

import argparse
import getpass
import os
import sys

from cmsdesk.signing.errors import SettingsError
from cmsdesk.signing.pin import Pin

_MAX_BYTES = 4096


def add_secret_arguments(parser: argparse.ArgumentParser, name: str) -> None:
    """Add `--NAME-env` and `--NAME-fd`."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        f"--{name}-env", metavar="VARIABLE", help="environment variable that holds this secret"
    )
    group.add_argument(
        f"--{name}-fd", metavar="N", type=int, help="open file descriptor to read this secret from"
    )


def read_secret(variable: str | None, descriptor: int | None, prompt: str | None) -> Pin | None:
    """Read a secret.

    Args:
        variable, descriptor: where it is; at most one.
        prompt: what to ask on the terminal when neither is given; None asks nothing and returns None.

    Raises:
        SettingsError: the variable is not set, the descriptor cannot be read, or nobody can be asked.
    """
    if variable is not None:
        value = os.environ.get(variable)
        if value is None:
            raise SettingsError("The environment variable is not set.", "Set it.", variable=variable)
        return Pin(value)
    if descriptor is not None:
        try:
            data = os.read(descriptor, _MAX_BYTES)
        except OSError as error:
            raise SettingsError(
                "The file descriptor cannot be read.", "Open it for reading.", descriptor=descriptor
            ) from error
        return Pin(data.rstrip(b"\r\n"))
    if prompt is None:
        return None
    if not sys.stdin.isatty():
        raise SettingsError(
            "There is no terminal to ask on.",
            "Give the secret by an environment variable or a file descriptor.",
        )
    return Pin(getpass.getpass(prompt))
