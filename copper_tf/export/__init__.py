"""Models for other programs: each format is written, opened in its own runtime and compared before it counts.

Opening an export needs no TensorFlow; `copper_tf.export.exporting` makes one.
"""

from __future__ import annotations

from copper_tf.export.predictor import ExportedPredictor, is_export
from copper_tf.export.runtimes import FORMATS, RUNTIMES

__all__ = ["FORMATS", "RUNTIMES", "ExportedPredictor", "is_export"]
