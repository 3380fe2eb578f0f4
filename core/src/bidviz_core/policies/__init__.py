"""Policies: formulas, dependencies and named schedules that propose values of hyperparameters at step boundaries."""
