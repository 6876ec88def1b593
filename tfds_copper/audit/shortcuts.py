"""Short cuts: what a model could grade by instead of the surface."""

from __future__ import annotations

import dataclasses
import datetime
import math
from collections.abc import Callable, Iterator
from typing import Any

from tfds_copper.audit.association import Association, association
from tfds_copper.audit.survey import Survey, SurveyedPicture
from tfds_copper.micrograph.record import name_and_unit

__all__ = ["MARKS", "Shortcut", "shortcuts"]

# The rule of text and marks that are burnt into pictures.
MARKS = "marks"

# Fields of the metadata, by the name of their rule; a missing one of these is no short cut.
_METADATA = {
    "voltage": "voltage_kv",
    "working-distance": "working_distance_mm",
    "detector": "detector",
    "tilt": "tilt_deg",
    "dwell-time": "dwell_us",
    "beam-current": "beam_current_pa",
}
# Below this share of the pictures a value says nothing of the set.
_COVERED = 0.8


@dataclasses.dataclass(frozen=True)
class Shortcut:
    """Something that varies, and how closely it follows the stress time.

    Args:
        rule: one word, as findings are named.
        name: what it is, in plain words.
        association: how closely it follows t.
    """

    rule: str
    name: str
    association: Association

    @property
    def text(self) -> str:
        """One line in plain words."""
        a = self.association
        how = "follows t" if a.strong else "may follow t"
        advice = {
            "brightness": "a model can grade by it; see the first-order baseline, or normalise each picture",
            "contrast": "a model can grade by it; normalise each picture",
            "pixel-size": "a model can grade by the scale; resample to one pixel size",
            MARKS: "a model can grade by reading them",
        }.get(self.rule, "a model can grade by what it does to the picture; record all labels alike")
        return f"{self.name} {how} ({a.text}): {advice}"


def _day(surveyed: SurveyedPicture) -> float:
    text = surveyed.metadata.date or surveyed.picture.columns.get("date", "")
    try:
        return float(datetime.date.fromisoformat(text[:10].replace("/", "-")).toordinal())
    except ValueError:
        return math.nan


def _metadata_value(field: str) -> Callable[[SurveyedPicture], float | str]:
    return lambda surveyed: getattr(surveyed.metadata, field)


def _quantities() -> Iterator[tuple[str, str, Callable[[SurveyedPicture], float | str]]]:
    """(rule, name, value of a picture) of everything that should not follow t; NaN and empty text are unknown."""
    yield "brightness", "mean brightness", lambda s: s.mean
    yield "contrast", "contrast", lambda s: s.contrast
    yield "pixel-size", "pixel size", lambda s: round(s.pixel_size_nm, 3)
    yield "bit-depth", "bit depth", lambda s: float(s.bit_depth)
    yield "format", "file format", lambda s: s.picture.file.rpartition(".")[2].lower()
    yield "date", "date of recording", _day
    yield "vendor", "vendor", lambda s: s.metadata.vendor or "unknown"
    for rule, field in _METADATA.items():
        yield rule, name_and_unit(field)[0], _metadata_value(field)


def _known(value: Any) -> bool:
    return bool(value) if isinstance(value, str) else math.isfinite(value)


def shortcuts(survey: Survey) -> list[Shortcut]:
    """How closely grey levels and the instrument's settings follow t, for all that vary at all.

    Args:
        survey: of a folder; sheets are the units where they are known, else pictures.
    """
    readable = [s for s in survey.pictures if not s.error and s.contrast > 0]
    found = [
        Shortcut(MARKS, "text or marks burnt in", marks.association)
        for marks in survey.marks
        if marks.association is not None
    ]
    for rule, name, value in _quantities():
        known = [(s, v) for s in readable if _known(v := value(s))]
        if len(known) < _COVERED * len(readable):
            continue
        labels = [s.picture.label for s, _ in known]
        units = [s.picture.sheet or f"\0{s.picture.file}" for s, _ in known]
        measured = association(labels, units, [v for _, v in known])  # type: ignore[arg-type]
        if measured is not None:
            found.append(Shortcut(rule, name, measured))
    return found
