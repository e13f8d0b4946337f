"""The version of Delegator, as every face tells it."""

from importlib.metadata import version

VERSION = version("delegator")
