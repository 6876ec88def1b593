"""Training: from a built dataset to a run folder."""

from __future__ import annotations

from copper_tf.training.callbacks import best_epoch
from copper_tf.training.loop import compile_model, monitored, train
from copper_tf.training.policy import processor_has_bfloat16, resolve_policy

__all__ = ["best_epoch", "compile_model", "monitored", "processor_has_bfloat16", "resolve_policy", "train"]
