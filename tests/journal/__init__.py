"""Tests that a journal can be exported, done again to the bit, and read."""
