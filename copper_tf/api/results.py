"""Results as JSON."""

from __future__ import annotations

import dataclasses
from typing import Any

from copper_tf.runs.run import Run
from tfds_copper.dataset import Dataset
from tfds_copper.files import json_text
from tfds_copper.results import Result

__all__ = ["as_json"]


def _run(run: Run) -> dict[str, Any]:
    rows, best = run.history(), run.best_epoch()
    return {
        "path": run.path,
        "kind": run.config.kind,
        "epochs": len(rows),
        "best": rows[best] if rows else None,
        "receptive_field_px": run.receptive_field,
        "mean_chord_px": run.mean_chord,
        "hypothesis": run.hypothesis,
        "caveats": run.caveats,
        "config": run.config.to_dict(),
    }


def _dataset(dataset: Dataset) -> dict[str, Any]:
    return {
        "path": dataset.path,
        "fold": dataset.fold,
        "times": dataset.times,
        "unit": dataset.unit,
        "pictures": dict(dataset.split_sizes),
        "fingerprint": dataset.fingerprint,
        "findings": dataset.metadata.findings,
    }


def _plain(value: Any) -> Any:
    """What `json_text` takes: a path becomes its text."""
    match value:
        case Run():
            return _plain(_run(value))
        case Dataset():
            return _plain(_dataset(value))
        case Result():
            return _plain(value.to_dict())
        case dict():
            return {key: _plain(inner) for key, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_plain(inner) for inner in value]
        case str() | int() | float() | None:
            return value
    if dataclasses.is_dataclass(value):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    return value if hasattr(value, "item") else str(value)


def as_json(result: Any) -> str:
    """A result, a run, a dataset, or several of them, as the text of ``--json``.

    Args:
        result: what a function of `copper_tf` returned.
    """
    return json_text(_plain(result))
