"""The test kit: sample learners, and checks of metrics, policies and whole bundles. Needs no test framework."""

from bidviz_core.testing.checking import check, check_bundle
from bidviz_core.testing.finding import Finding
from bidviz_core.testing.learners import LEARNERS, STRANGE, SampleLearner, sample_learner
from bidviz_core.testing.process import CheckProcess
from bidviz_core.testing.recording import assert_as_recorded, assert_policy_as_recorded, read_recorded
from bidviz_core.testing.running import run_metric

__all__ = [
    "LEARNERS",
    "STRANGE",
    "CheckProcess",
    "Finding",
    "SampleLearner",
    "assert_as_recorded",
    "assert_policy_as_recorded",
    "check",
    "check_bundle",
    "read_recorded",
    "run_metric",
    "sample_learner",
]
