"""The test kit: sample learners, and checks of metrics, policies and whole bundles. Needs no test framework."""

from bidviz_core.testing.finding import Finding
from bidviz_core.testing.learners import LEARNERS, STRANGE, SampleLearner, sample_learner
from bidviz_core.testing.running import run_metric

__all__ = ["LEARNERS", "STRANGE", "Finding", "SampleLearner", "run_metric", "sample_learner"]
