"""A running sandbox CA for this package's tests."""

from tests.fixtures.ca import *  # noqa: F403 - fixtures are found by name
