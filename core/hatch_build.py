"""Puts the scripts of `examples/` into the wheel, where `bidviz demo` finds them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ExamplesHook(BuildHookInterface):  # type: ignore[type-arg]
    """Adds `../examples` to wheel and source distribution; a wheel made of the latter finds them in the package."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before it collects files."""
        examples = Path(self.root).parent / "examples"
        if version == "editable" or not (examples / "digits.py").is_file():
            return
        folder = "bidviz_core/examples" if self.target_name == "wheel" else "src/bidviz_core/examples"
        for script in sorted(examples.glob("*.py")):
            build_data["force_include"][str(script)] = f"{folder}/{script.name}"
