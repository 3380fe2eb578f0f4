"""Tests that the model itself can be changed while it trains, and put back."""
