"""Finds, installs, loads and unloads bundles."""
