"""The process that runs metrics over a snapshot (`where="worker"`), and the training's handle on it."""

from bidviz_core.worker.supervisor import Worker

__all__ = ["Worker"]
