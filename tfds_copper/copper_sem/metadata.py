"""What is written beside the records: ``metadata.json`` and the table of splits."""

from __future__ import annotations

import collections
import csv
import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfds_copper.audit.findings import findings
from tfds_copper.audit.survey import Survey
from tfds_copper.copper_sem.build_dir import METADATA_FORMAT
from tfds_copper.files import write_text
from tfds_copper.folder.times import time_text
from tfds_copper.splits.assign import SPLITS, SplitSettings, caveats
from tfds_copper.splits.groups import units

__all__ = ["SPLIT_TABLE", "dataset_metadata", "write_split_table"]

SPLIT_TABLE = "splits.csv"


def dataset_metadata(
    looked: Survey, fingerprint: str, settings: SplitSettings, where: Mapping[str, str]
) -> dict[str, Any]:
    """What is recorded of a build, plain values.

    Args:
        looked: the folder and a look at each of its pictures.
        fingerprint: of the folder.
        settings: how it is split.
        where: the split of each file.
    """
    folder, reading = looked.folder, looked.settings.to_dict()
    identity = json.dumps([METADATA_FORMAT, fingerprint, settings.to_dict(), reading])
    counts: dict[str, Any] = {}
    for name in SPLITS:
        share = [p for p in folder.pictures if where[p.file] == name]
        counts[name] = {
            "pictures": len(share),
            "per_label": [sum(p.label == k for p in share) for k in range(len(folder.times))],
            "sheets": sorted({p.sheet for p in share if p.sheet}),
        }
    sizes = collections.Counter(f"{s.pixel_size_nm:g}" for s in looked.seen)
    return {
        "format": METADATA_FORMAT,
        "fingerprint": hashlib.sha256(identity.encode()).hexdigest(),
        "folder_fingerprint": fingerprint,
        "source": str(folder.root.resolve()),
        "times": list(folder.times),
        "unit": folder.unit,
        "settings": settings.to_dict(),
        "reading": reading,
        "splits": counts,
        "columns": list(folder.column_names),
        "skipped": dict(folder.skipped),
        "pixel_sizes_nm": dict(sorted(sizes.items())),
        "same_place": len(looked.likenesses),
        "caveats": list(caveats(folder.pictures, settings)),
        "findings": [{"level": f.level, "rule": f.rule, "text": f.text} for f in findings(looked, settings)],
        "notes": dict(sorted(collections.Counter(note for s in looked.seen for note in s.notes).items())),
    }


def write_split_table(path: Path, looked: Survey, settings: SplitSettings, where: Mapping[str, str]) -> None:
    """Writes who went where: file, t, sheet, unit (what stays together) and split.

    Args:
        path: the table.
        looked: the folder and which of its pictures show the same place.
        settings: how it is split.
        where: the split of each file.
    """
    pictures = looked.folder.pictures
    unit = units(pictures, looked.links, settings.within_sheet)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file", "t", "sheet", "unit", "split"])
    for p in pictures:
        writer.writerow([p.file, time_text(p.t), p.sheet, unit[p.file].lstrip("\0"), where[p.file]])
    write_text(path, text.getvalue())
