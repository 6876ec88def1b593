"""Training: from a built dataset to a run folder."""

from __future__ import annotations

from copper_tf.training.loop import compile_model, optimizer, train

__all__ = ["compile_model", "optimizer", "train"]
