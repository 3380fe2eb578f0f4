"""Tests that the documentation says what is, and all of it."""
