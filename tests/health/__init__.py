"""Tests of what rules tell of a run, and of the bundle of rules."""
