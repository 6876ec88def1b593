"""Models for other programs: each format is written, reloaded and compared before it counts as exported."""

from __future__ import annotations

from collections.abc import Callable

from copper_tf.export.saved_model import ExportedPredictor, export_saved_model, is_export

__all__ = ["FORMATS", "ExportedPredictor", "export_saved_model", "is_export"]

FORMATS: dict[str, Callable[..., float]] = {"savedmodel": export_saved_model}
