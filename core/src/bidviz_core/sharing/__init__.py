"""Writes bundles: an empty one to begin with, or a complete one from what lives in a session."""
