"""The dashboard of BIDViz."""
