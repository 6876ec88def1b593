"""All that a look at a SEM folder told, as plain values: `check.json` and the table of pictures."""

from __future__ import annotations

import csv
import dataclasses
import io
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tfds_copper.audit.findings import UNSOUND, Finding
from tfds_copper.audit.shortcuts import shortcuts
from tfds_copper.audit.survey import Seen, Survey
from tfds_copper.errors import InputError
from tfds_copper.micrograph import Metadata
from tfds_copper.splits.assign import SPLITS, SplitSettings, assign

__all__ = ["picture_table", "summary"]

_METADATA = tuple(f.name for f in dataclasses.fields(Metadata) if f.name not in ("pixel_size_nm", "dropped"))


def _number(value: float) -> str:
    return f"{value:g}" if math.isfinite(value) else "unknown"


def _span(values: Iterable[float]) -> str:
    """``5 to 12 mm`` without its unit; one number where all are equal."""
    known = sorted(v for v in values if math.isfinite(v))
    if not known:
        return "unknown"
    return f"{known[0]:g}" if known[0] == known[-1] else f"{known[0]:g} to {known[-1]:g}"


def _kinds(values: Iterable[str]) -> str:
    found = sorted(set(values))
    return ", ".join(found[:4]) + (f" and {len(found) - 4} more" if len(found) > 4 else "")


def _count(names: Iterable[str]) -> str:
    return str(len(set(names) - {""}) or "unknown")


# A column of the table of labels, and what it says of the pictures of one label.
_COLUMNS: dict[str, Callable[[list[Seen]], str]] = {
    "pictures": lambda seen: str(len(seen)),
    "sheets": lambda seen: _count(s.picture.sheet for s in seen),
    "lots": lambda seen: _count(s.picture.columns.get("lot", "") for s in seen),
    "dates": lambda seen: _count((s.metadata.date or s.picture.columns.get("date", ""))[:10] for s in seen),
    "size (px)": lambda seen: _kinds(f"{s.shape[1]} x {s.shape[0]}" for s in seen if not s.error),
    "bits": lambda seen: _kinds(str(s.bit_depth) for s in seen if not s.error),
    "vendor": lambda seen: _kinds(s.metadata.vendor or "unknown" for s in seen if not s.error),
    "pixel size (nm)": lambda seen: _kinds(_number(round(s.pixel_size_nm, 3)) for s in seen if not s.error),
    "magnification": lambda seen: _span(s.metadata.magnification for s in seen),
    "mean grey": lambda seen: _span(round(s.mean, 3) for s in seen),
}  # fmt: skip


def _splits(survey: Survey, settings: SplitSettings) -> list[dict[str, Any]] | None:
    """Pictures and sheets of every split, for each fold; None where the folder can't be split."""
    pictures, found = survey.folder.pictures, []
    for one in settings.each_fold:
        try:
            where = assign(pictures, one, survey.links)
        except InputError:
            return None
        names = {s: [p for p in pictures if where[p.file] == s] for s in SPLITS}
        found.append(
            {
                "fold": one.fold,
                "pictures": {s: len(share) for s, share in names.items()},
                "sheets": {s: len({p.sheet for p in share if p.sheet}) for s, share in names.items()},
                "per_label": {s: [sum(p.label == k for p in share) for k in range(len(survey.folder.times))]
                              for s, share in names.items()},
            }
        )  # fmt: skip
    return found


def summary(survey: Survey, settings: SplitSettings, found: Sequence[Finding]) -> dict[str, Any]:
    """What is there and what is wrong with it.

    Args:
        survey: of the folder.
        settings: how it is to be split.
        found: `findings` of both.

    Returns:
        Plain values fit for JSON: ``sound``, ``labels`` (one row each), ``splits``, ``shortcuts`` (how closely things
        follow t), ``findings`` and ``grey`` (mean and contrast of every picture).
    """
    folder = survey.folder
    readable = [s for s in survey.seen if not s.error]
    rows = []
    for label, name in enumerate(folder.class_names):
        seen = [s for s in survey.seen if s.picture.label == label]
        rows.append({"t": name, **{column: say(seen) for column, say in _COLUMNS.items()}})
    return {
        "folder": str(folder.root.resolve()),
        "sound": not any(f.level == UNSOUND for f in found),
        "times": list(folder.times),
        "unit": folder.unit,
        "pictures": len(survey.seen),
        "same_place": len(survey.likenesses),
        "labels": rows,
        "splits": _splits(survey, settings),
        "settings": settings.to_dict(),
        "reading": survey.settings.to_dict(),
        "shortcuts": [{"name": s.name, **dataclasses.asdict(s.association)} for s in shortcuts(survey)],
        "findings": [dataclasses.asdict(f) for f in found],
        "grey": {
            "file": [s.picture.file for s in readable],
            "t": [s.picture.t for s in readable],
            "sheet": [s.picture.sheet for s in readable],
            "mean": [s.mean for s in readable],
            "contrast": [s.contrast for s in readable],
        },
    }


def _row(seen: Seen) -> dict[str, Any]:
    known = seen.metadata.known()
    row = {
        "file": seen.picture.file,
        "t": seen.picture.t,
        "sheet": seen.picture.sheet,
        "width": seen.shape[1],
        "height": seen.shape[0],
        "bit_depth": seen.bit_depth,
        "pixel_size_nm": seen.pixel_size_nm if math.isfinite(seen.pixel_size_nm) else "",
        "bar_rows": seen.bar.rows if seen.bar else 0,
        "bar_side": seen.bar.side if seen.bar else "",
        "mean": f"{seen.mean:.5f}",
        "contrast": f"{seen.contrast:.5f}",
        "black": f"{seen.black:.5f}",
        "white": f"{seen.white:.5f}",
    }
    said = {f"recorded {name}": known.get(name, "") for name in _METADATA}
    return row | said | {
        "dropped": "; ".join(seen.metadata.dropped), "notes": "; ".join(seen.notes), "error": seen.error,
    }  # fmt: skip


def picture_table(survey: Survey) -> str:
    """Every picture with all that is known of it, as CSV."""
    text = io.StringIO(newline="")
    rows = [_row(seen) for seen in survey.seen]
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
