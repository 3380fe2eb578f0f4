"""Metrics: their definition, their source, what they are given, what they return, and the engine that runs them."""
