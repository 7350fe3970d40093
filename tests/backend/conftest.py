"""A service at hand for this package's tests."""

from tests.fixtures.service import *  # noqa: F403 - fixtures are found by name
