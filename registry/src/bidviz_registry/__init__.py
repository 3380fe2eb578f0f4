"""Finds, installs, loads and unloads bundles."""

from bidviz_registry.finding import FoundBundle, find
from bidviz_registry.installing import Installation, install

__all__ = ["FoundBundle", "Installation", "find", "install"]
