"""What is written beside the records: ``metadata.json`` and the table of splits."""

from __future__ import annotations

import collections
import dataclasses
import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from tfds_copper.cells import write_rows
from tfds_copper.files import write_text
from tfds_copper.folder.times import time_text
from tfds_copper.micrograph import ReadSettings
from tfds_copper.results import Result
from tfds_copper.splits.assign import SPLITS, SplitSettings, caveats
from tfds_copper.splits.groups import split_groups

if TYPE_CHECKING:
    from tfds_copper.audit.survey import Survey

__all__ = [
    "SPLIT_TABLE",
    "DatasetMetadata",
    "RecordedFinding",
    "SplitContents",
    "dataset_metadata",
    "write_split_table",
]

SPLIT_TABLE = "splits.csv"


@dataclasses.dataclass(frozen=True)
class SplitContents:
    """What one split holds.

    Attributes:
        pictures: number of pictures.
        per_label: number of pictures of every label.
        sheets: names of the known sheets.
    """

    pictures: int
    per_label: tuple[int, ...]
    sheets: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class RecordedFinding:
    """A finding of `copper check` without the files it is about.

    Attributes:
        level: ``"unsound"``, ``"warning"`` or ``"note"``.
        rule: the rule that it breaks.
        text: one sentence.
    """

    level: str
    rule: str
    text: str


@dataclasses.dataclass(frozen=True)
class DatasetMetadata(Result):
    """What is recorded of a build.

    Attributes:
        fingerprint: of files, labels and settings, 64 hex digits.
        folder_fingerprint: of files and labels alone.
        source: the SEM folder.
        times: the stress times, ascending.
        unit: their unit; empty where none is written.
        settings: how the folder was split.
        reading: how its pictures were read.
        splits: what every split holds.
        columns: names of the further columns of labels.csv.
        skipped: number of files that were left out, by reason.
        pixel_sizes_nm: number of pictures of each pixel size.
        duplicate_pairs: number of pairs of pictures that show the same place.
        caveats: what every result on this dataset must say.
        findings: what `copper check` finds, the worst first.
        notes: what reading did to pictures, and to how many.
    """

    FORMAT: ClassVar[str] = "copper-dataset 1"

    fingerprint: str
    folder_fingerprint: str
    source: str
    times: tuple[float, ...]
    unit: str
    settings: SplitSettings
    reading: ReadSettings
    splits: Mapping[str, SplitContents]
    columns: tuple[str, ...]
    skipped: Mapping[str, int]
    pixel_sizes_nm: Mapping[str, int]
    duplicate_pairs: int
    caveats: tuple[str, ...]
    findings: tuple[RecordedFinding, ...]
    notes: Mapping[str, int]


def dataset_metadata(
    survey: Survey, fingerprint: str, settings: SplitSettings, split_of: Mapping[str, str]
) -> DatasetMetadata:
    """What is recorded of a build.

    Args:
        survey: of the folder.
        fingerprint: of the folder.
        settings: how it is split.
        split_of: the split of each file.
    """
    from tfds_copper.audit.findings import findings
    from tfds_copper.audit.imbalance import imbalance

    folder, reading = survey.folder, survey.settings
    identity = json.dumps([DatasetMetadata.FORMAT, fingerprint, settings.to_dict(), reading.to_dict()])
    contents = {}
    for name in SPLITS:
        share = [p for p in folder.pictures if split_of[p.file] == name]
        per_label = tuple(sum(p.label == k for p in share) for k in range(len(folder.times)))
        contents[name] = SplitContents(len(share), per_label, tuple(sorted({p.sheet for p in share if p.sheet})))
    rare = imbalance((p.label for p in folder.pictures), folder.class_names)
    sizes = collections.Counter(f"{s.pixel_size_nm:g}" for s in survey.pictures)
    return DatasetMetadata(
        fingerprint=hashlib.sha256(identity.encode()).hexdigest(),
        folder_fingerprint=fingerprint,
        source=str(folder.root.resolve()),
        times=tuple(folder.times),
        unit=folder.unit,
        settings=settings,
        reading=reading,
        splits=contents,
        columns=folder.column_names,
        skipped=folder.skipped,
        pixel_sizes_nm=dict(sorted(sizes.items())),
        duplicate_pairs=len(survey.duplicates),
        caveats=(*caveats(folder.pictures, settings), *([f"{rare[:1].upper()}{rare[1:]}."] if rare else [])),
        findings=tuple(RecordedFinding(f.level, f.rule, f.text) for f in findings(survey, settings)),
        notes=dict(sorted(collections.Counter(note for s in survey.pictures for note in s.notes).items())),
    )


def write_split_table(path: Path, survey: Survey, settings: SplitSettings, split_of: Mapping[str, str]) -> None:
    """Writes which picture went where: file, t, sheet, group (what stays together) and split.

    Args:
        path: the table.
        survey: of the folder.
        settings: how it is split.
        split_of: the split of each file.
    """
    pictures = survey.folder.pictures
    groups = split_groups(pictures, survey.links, settings.within_sheet)
    text = io.StringIO(newline="")
    rows = [[p.file, time_text(p.t), p.sheet, groups[p.file].lstrip("\0"), split_of[p.file]] for p in pictures]
    write_rows(text, [["file", "t", "sheet", "group", "split"], *rows])
    write_text(path, text.getvalue())
