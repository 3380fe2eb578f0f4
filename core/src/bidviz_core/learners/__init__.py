"""Adapters: what each kind of learner can tell of a step."""
