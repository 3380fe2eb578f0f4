"""Plugins: finding bundles, loading and unloading them while training runs, and calling their hooks in isolation."""

from bidviz_core.plugins.dispatch import Hooks
from bidviz_core.plugins.host import PluginHost
from bidviz_core.plugins.information import PluginInfo, Reloaded
from bidviz_core.plugins.manager import Plugins

__all__ = ["Hooks", "PluginHost", "PluginInfo", "Plugins", "Reloaded"]
