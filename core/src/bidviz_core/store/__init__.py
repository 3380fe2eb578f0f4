"""A run's history on disk: one SQLite file a run, written by the pump, read by anyone."""

from bidviz_core.store.history import Columns
from bidviz_core.store.index import IndexedRun, RunIndex
from bidviz_core.store.opened import OpenRun, StoredMetrics, open_run
from bidviz_core.store.reader import StoreReader
from bidviz_core.store.writer import StoreWriter

__all__ = ["Columns", "IndexedRun", "OpenRun", "RunIndex", "StoreReader", "StoreWriter", "StoredMetrics", "open_run"]
