"""Changes of the model itself, at step boundaries: freeze, initialise anew, scale, clip, reset; with undo."""

from bidviz_core.model_changes.changes import ModelChange, ModelChanges

__all__ = ["ModelChange", "ModelChanges"]
