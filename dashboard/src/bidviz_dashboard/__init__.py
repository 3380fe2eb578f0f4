"""The dashboard of BIDViz."""

__version__ = "0.1.0"
