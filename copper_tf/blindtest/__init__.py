"""The paper's section 5.1 done properly: experts grade the test pictures blind, and are scored beside the model."""

from __future__ import annotations

from copper_tf.blindtest.folder import BlindTest, is_test, open_test
from copper_tf.blindtest.preparing import prepare
from copper_tf.blindtest.scoring import RESULTS, score
from copper_tf.blindtest.settings import BlindSettings

__all__ = ["RESULTS", "BlindSettings", "BlindTest", "is_test", "open_test", "prepare", "score"]
