"""Figures and pages, made from a run's JSON; the only part that renders HTML."""

from __future__ import annotations

from copper_tf.report.page import render_evaluation

__all__ = ["render_evaluation"]
