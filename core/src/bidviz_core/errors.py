"""The errors that BIDViz raises to a person: what was got, what was expected, what to do.

Nothing here is ever raised into a training loop by a metric, a plugin, a browser or the network.
`TrainingStopped` is the one exception that a person can ask for.
"""


class BidvizError(Exception):
    """The base of every error of BIDViz."""


class WatchError(BidvizError):
    """`watch` was called with something that cannot be watched."""


class MetricError(BidvizError):
    """A metric cannot be added: its source, its arguments or its name are wrong.

    Args:
        message: what was got, what was expected, what to do.
        line: the line of the metric's own source (from 1) that the error belongs to, where one does.
        column: the column of that line (from 1).
        end_column: the column behind the last character that is meant, in the same line.
        traceback: the traceback as text, with the metric's own source lines.
    """

    def __init__(
        self,
        message: str,
        *,
        line: int | None = None,
        column: int | None = None,
        end_column: int | None = None,
        traceback: str | None = None,
    ):
        super().__init__(message)
        self.line = line
        self.column = column
        self.end_column = end_column
        self.traceback = traceback


class SpecError(BidvizError):
    """A chart spec does not fit the schema."""


class StoreError(BidvizError):
    """A run's file cannot be written or read."""


class PluginError(BidvizError):
    """A bundle cannot be installed, loaded or unloaded."""


class CommandError(BidvizError):
    """A command was refused; the text is the reply."""


class FormulaError(CommandError):
    """A formula or a condition is wrong.

    Args:
        message: what was got, what was expected, what to do.
        column: the column of the text (from 1) that the error belongs to, where one does.
    """

    def __init__(self, message: str, column: int | None = None):
        super().__init__(message)
        self.column = column


class LinkError(BidvizError):
    """The dashboard cannot be reached, or is not this user's."""


class TrainingStopped(BaseException):
    """Raised at a step boundary of a foreign loop when a person stops the run.

    A `BaseException`, so that a script's own `except Exception` does not swallow it.
    """
