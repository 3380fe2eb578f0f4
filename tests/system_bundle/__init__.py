"""Tests of the bundle about time, load and memory, and of the account of phases in core."""
