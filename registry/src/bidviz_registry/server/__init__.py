"""A registry: a package index of bundles that pip and uv install from, with uploads and a search."""
