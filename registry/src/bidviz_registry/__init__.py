"""Finds, inspects and installs bundles."""

from bidviz_registry.finding import FoundBundle, find
from bidviz_registry.inspecting import Inspection, inspect
from bidviz_registry.installing import Installation, install

__all__ = ["FoundBundle", "Inspection", "Installation", "find", "inspect", "install"]
