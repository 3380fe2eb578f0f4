"""Builds bundles and uploads them, by the tools of the trade: `build` and `twine`, which come with an extra."""
