"""Training: from a built dataset to a run folder."""

from __future__ import annotations

from copper_tf.training.loop import compile_model, optimizer, train
from copper_tf.training.policy import processor_has_bfloat16, resolve_policy

__all__ = ["compile_model", "optimizer", "processor_has_bfloat16", "resolve_policy", "train"]
