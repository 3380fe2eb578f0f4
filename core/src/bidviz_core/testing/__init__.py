"""The test kit: sample learners, and checks of metrics, policies and whole bundles. Needs no test framework."""

from bidviz_core.testing.checking import check, check_bundle
from bidviz_core.testing.finding import Finding
from bidviz_core.testing.learners import LEARNERS, STRANGE, SampleLearner, sample_learner
from bidviz_core.testing.running import run_metric

__all__ = ["LEARNERS", "STRANGE", "Finding", "SampleLearner", "check", "check_bundle", "run_metric", "sample_learner"]
