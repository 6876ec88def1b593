"""The result of `copper check`: what a SEM folder holds and what is wrong with it."""

from __future__ import annotations

import dataclasses
import io
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from tfds_copper.audit.burnt_in import BurntIn, burnt_in, rows_text
from tfds_copper.audit.findings import NOTE, UNSOUND, Finding, findings
from tfds_copper.audit.shortcuts import Shortcut, shortcuts
from tfds_copper.audit.survey import Survey, SurveyedPicture
from tfds_copper.cells import write_rows
from tfds_copper.errors import InputError
from tfds_copper.folder.readings import Reading
from tfds_copper.micrograph import Metadata, ReadSettings
from tfds_copper.results import Result
from tfds_copper.splits.assign import SPLITS, SplitSettings, assign
from tfds_copper.text import listed

__all__ = ["Check", "GreyLevels", "LabelSummary", "SplitCounts", "picture_table", "summarise"]

PAGE, RESULT, TABLE = "check.html", "check.json", "pictures.csv"

_METADATA = tuple(f.name for f in dataclasses.fields(Metadata) if f.name not in ("pixel_size_nm", "dropped"))


def _column(title: str) -> Any:
    return dataclasses.field(metadata={"title": title})


@dataclasses.dataclass(frozen=True)
class LabelSummary:
    """One row of the table of labels; every value is text as it is shown."""

    t: str = _column("t")
    pictures: str = _column("pictures")
    sheets: str = _column("sheets")
    lots: str = _column("lots")
    dates: str = _column("dates")
    size_px: str = _column("size (px)")
    bit_depth: str = _column("bits")
    vendor: str = _column("vendor")
    pixel_size_nm: str = _column("pixel size (nm)")
    magnification: str = _column("magnification")
    mean_grey: str = _column("mean grey")

    @classmethod
    def titles(cls) -> list[str]:
        """The heads of the columns."""
        return [f.metadata["title"] for f in dataclasses.fields(cls)]

    def cells(self) -> list[str]:
        """The values, in the order of `titles`."""
        return [getattr(self, f.name) for f in dataclasses.fields(self)]


@dataclasses.dataclass(frozen=True)
class SplitCounts:
    """Pictures and sheets of every split of one dataset.

    Attributes:
        fold: the fold that is the test split, from 1; 0 where there are no folds.
        pictures: number of pictures by split.
        sheets: number of known sheets by split.
        per_label: pictures of every label by split.
    """

    fold: int
    pictures: Mapping[str, int]
    sheets: Mapping[str, int]
    per_label: Mapping[str, tuple[int, ...]]


@dataclasses.dataclass(frozen=True)
class GreyLevels:
    """Grey levels of all readable pictures; each field holds one value per picture.

    Attributes:
        file: path below the folder.
        t: stress time.
        sheet: the physical sample; empty where unknown.
        mean: mean grey value as a share of the full range.
        contrast: standard deviation of the grey values as a share of the full range.
    """

    file: tuple[str, ...]
    t: tuple[float, ...]
    sheet: tuple[str, ...]
    mean: tuple[float, ...]
    contrast: tuple[float, ...]


@dataclasses.dataclass(frozen=True)
class Check(Result):
    """What a SEM folder holds and what is wrong with it.

    Attributes:
        folder: the SEM folder.
        output: the folder of the page and its tables; empty where none was written.
        sound: whether something sound can be learnt from it.
        times: the stress times, ascending.
        unit: their unit; empty where none is written.
        pictures: number of pictures.
        duplicate_pairs: number of pairs of pictures that show the same place.
        labels: one row for each label.
        splits: counts of every fold; empty where the folder can't be split.
        settings: how it is to be split.
        reading: how its pictures were read.
        shortcuts: how closely other things than the surface follow t.
        marks: text and marks that are burnt into pictures.
        findings: the worst first.
        grey: grey levels of every picture.
        readings: how the names of class folders or the numbers of labels.csv were read.
    """

    FORMAT: ClassVar[str] = "copper-check 1"

    folder: str
    output: str
    sound: bool
    times: tuple[float, ...]
    unit: str
    pictures: int
    duplicate_pairs: int
    labels: tuple[LabelSummary, ...]
    splits: tuple[SplitCounts, ...]
    settings: SplitSettings
    reading: ReadSettings
    shortcuts: tuple[Shortcut, ...]
    marks: tuple[BurntIn, ...]
    findings: tuple[Finding, ...]
    grey: GreyLevels
    readings: tuple[Reading, ...]

    @property
    def page(self) -> Path:
        """The page."""
        return Path(self.output) / PAGE

    def whereabouts(self, number: int) -> str:
        """Where all stand that a finding is about, since its text names but one; empty where there is just one.

        Args:
            number: the place of the finding in `findings`.
        """
        finding = self.findings[number]
        rows, name = (finding.pairs, "pairs") if finding.pairs else (finding.files, "files")
        return f"all {len(rows)}: findings[{number}].{name} in {RESULT}" if len(rows) > 1 else ""

    @property
    def problems(self) -> tuple[Finding, ...]:
        """The findings that are more than notes."""
        return tuple(f for f in self.findings if f.level != NOTE)


def _number(value: float) -> str:
    return f"{value:g}" if math.isfinite(value) else "unknown"


def _span(values: Iterable[float]) -> str:
    """``5 to 12``, or one number where all are equal."""
    known = sorted(v for v in values if math.isfinite(v))
    if not known:
        return "unknown"
    return f"{known[0]:g}" if known[0] == known[-1] else f"{known[0]:g} to {known[-1]:g}"


def _kinds(values: Iterable[str]) -> str:
    names = sorted(set(values))
    return listed(names, 4)


def _count(names: Iterable[str]) -> str:
    return str(len(set(names) - {""}) or "unknown")


# What each column of the table of labels says of the pictures of one label.
_CELLS: dict[str, Callable[[list[SurveyedPicture]], str]] = {
    "pictures": lambda rows: str(len(rows)),
    "sheets": lambda rows: _count(s.picture.sheet for s in rows),
    "lots": lambda rows: _count(s.picture.columns.get("lot", "") for s in rows),
    "dates": lambda rows: _count((s.metadata.date or s.picture.columns.get("date", ""))[:10] for s in rows),
    "size_px": lambda rows: _kinds(f"{s.shape[1]} x {s.shape[0]}" for s in rows if not s.error),
    "bit_depth": lambda rows: _kinds(str(s.bit_depth) for s in rows if not s.error),
    "vendor": lambda rows: _kinds(s.metadata.vendor or "unknown" for s in rows if not s.error),
    "pixel_size_nm": lambda rows: _kinds(_number(round(s.pixel_size_nm, 3)) for s in rows if not s.error),
    "magnification": lambda rows: _span(s.metadata.magnification for s in rows),
    "mean_grey": lambda rows: _span(round(s.mean, 3) for s in rows),
}


def _labels(survey: Survey) -> tuple[LabelSummary, ...]:
    rows = []
    for label, name in enumerate(survey.folder.class_names):
        pictures = [s for s in survey.pictures if s.picture.label == label]
        rows.append(LabelSummary(t=name, **{column: cell(pictures) for column, cell in _CELLS.items()}))
    return tuple(rows)


def _splits(survey: Survey, settings: SplitSettings) -> tuple[SplitCounts, ...]:
    pictures, counts = survey.folder.pictures, []
    for fold in settings.each_fold:
        try:
            split_of = assign(pictures, fold, survey.links)
        except InputError:
            return ()
        shares = {s: [p for p in pictures if split_of[p.file] == s] for s in SPLITS}
        counts.append(
            SplitCounts(
                fold=fold.fold,
                pictures={s: len(share) for s, share in shares.items()},
                sheets={s: len({p.sheet for p in share if p.sheet}) for s, share in shares.items()},
                per_label={s: tuple(sum(p.label == k for p in share) for k in range(len(survey.folder.times)))
                           for s, share in shares.items()},
            )
        )  # fmt: skip
    return tuple(counts)


def summarise(survey: Survey, settings: SplitSettings, output: str = "") -> Check:
    """What is there and what is wrong with it.

    Args:
        survey: of the folder.
        settings: how it is to be split.
        output: the folder that the page goes to.
    """
    folder, found = survey.folder, findings(survey, settings)
    readable = [s for s in survey.pictures if not s.error]
    return Check(
        folder=str(folder.root.resolve()),
        output=output,
        sound=not any(f.level == UNSOUND for f in found),
        times=tuple(folder.times),
        unit=folder.unit,
        pictures=len(survey.pictures),
        duplicate_pairs=len(survey.duplicates),
        labels=_labels(survey),
        splits=_splits(survey, settings),
        settings=settings,
        reading=survey.settings,
        shortcuts=tuple(shortcuts(survey)),
        marks=burnt_in(survey),
        findings=tuple(found),
        grey=GreyLevels(
            file=tuple(s.picture.file for s in readable),
            t=tuple(s.picture.t for s in readable),
            sheet=tuple(s.picture.sheet for s in readable),
            mean=tuple(s.mean for s in readable),
            contrast=tuple(s.contrast for s in readable),
        ),
        readings=folder.readings,
    )


def _row(surveyed: SurveyedPicture, found: Iterable[Finding], marked: str) -> dict[str, Any]:
    known = surveyed.metadata.known()
    row = {
        "file": surveyed.picture.file,
        "t": surveyed.picture.t,
        "sheet": surveyed.picture.sheet,
        "width": surveyed.shape[1],
        "height": surveyed.shape[0],
        "bit_depth": surveyed.bit_depth,
        "pixel_size_nm": surveyed.pixel_size_nm if math.isfinite(surveyed.pixel_size_nm) else "",
        "bar_rows": surveyed.bar.rows if surveyed.bar else 0,
        "bar_side": surveyed.bar.side if surveyed.bar else "",
        "mark_rows": marked,
        "mean": f"{surveyed.mean:.5f}",
        "contrast": f"{surveyed.contrast:.5f}",
        "black": f"{surveyed.black:.5f}",
        "white": f"{surveyed.white:.5f}",
    }
    recorded = {f"recorded {name}": known.get(name, "") for name in _METADATA}
    return row | recorded | {
        "dropped": "; ".join(surveyed.metadata.dropped), "notes": "; ".join(surveyed.notes), "error": surveyed.error,
        "findings": "; ".join(dict.fromkeys(f"{f.level}: {f.rule}" for f in found)),
    }  # fmt: skip


def picture_table(survey: Survey, found: Sequence[Finding]) -> str:
    """Every picture with all that is known of it and the findings that concern it, as CSV.

    Args:
        survey: of the folder.
        found: its findings.
    """
    marked = {file: rows_text(marks.rows) for marks in burnt_in(survey) for file in marks.files}
    concerning: dict[str, list[Finding]] = {}
    for finding in found:
        for file in finding.files:
            concerning.setdefault(file, []).append(finding)
    text = io.StringIO(newline="")
    rows = [_row(s, concerning.get(s.picture.file, ()), marked.get(s.picture.file, "")) for s in survey.pictures]
    write_rows(text, [list(rows[0]), *(row.values() for row in rows)])
    return text.getvalue()
