"""A PostgreSQL at hand for this package's tests."""

from tests.fixtures.postgres import *  # noqa: F403 - fixtures are found by name
