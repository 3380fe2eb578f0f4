"""BIDViz."""
