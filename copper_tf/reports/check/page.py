"""The page of `copper check`: what a SEM folder holds, what is wrong with it, and what it looks like."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from copper_tf.reports.check.summary import RESULT, TABLE, Check, LabelSummary, picture_table, summarise
from copper_tf.reports.common.page import embed_image, write_page
from copper_tf.reports.common.style import INK, figure, tidy, time_axis
from copper_tf.runs.labels import Labels
from copper_tf.utils.drawing import grey_image, scale_bar_length
from tfds_copper.audit.findings import NOTE, Finding
from tfds_copper.audit.survey import Survey, SurveyedPicture
from tfds_copper.errors import InputError
from tfds_copper.files import write_text
from tfds_copper.folder.readings import Reading
from tfds_copper.folder.tables import spans
from tfds_copper.folder.times import time_text
from tfds_copper.micrograph import read
from tfds_copper.splits.assign import SplitSettings

__all__ = ["write_check"]

# The side of the zoom of the paper's Figure 3, and how many labels stand beside one another.
_ZOOM, _ACROSS = 200, 4
# Pairs shown for each finding, and the longer side of their thumbnails, px.
_PAIRS, _THUMB = 3, 280
_DOT = "#0072B2"


def _pixels(survey: Survey, file: str) -> np.ndarray:
    (picture,) = (s.picture for s in survey.pictures if s.picture.file == file)
    return read(survey.folder.root / file, survey.settings, picture.pixel_size_nm).pixels


def _typical(survey: Survey) -> list[SurveyedPicture | None]:
    """For each label its picture of median brightness; None where none can be read."""
    typical: list[SurveyedPicture | None] = []
    for label in range(len(survey.folder.times)):
        readable = sorted(
            (s for s in survey.pictures if s.picture.label == label and not s.error), key=lambda s: s.mean
        )
        typical.append(readable[len(readable) // 2] if readable else None)
    return typical


def _bar(axes: Axes, shape: tuple[int, ...], pixel_size_nm: float) -> None:
    height, width = shape
    length, caption = scale_bar_length(width, pixel_size_nm)
    x, y = 0.05 * width, 0.94 * height
    axes.plot([x, x + length], [y, y], color="white", linewidth=2.5, solid_capstyle="butt")
    box = {"facecolor": "black", "alpha": 0.6, "edgecolor": "none", "pad": 1.2}
    axes.text(x, y - 0.05 * height, caption, color="white", fontsize=8, va="bottom", bbox=box)


def _show(axes: Axes, pixels: np.ndarray, pixel_size_nm: float) -> None:
    axes.imshow(grey_image(pixels), cmap="gray", vmin=0, vmax=255, interpolation="antialiased")
    axes.set_xticks([])
    axes.set_yticks([])
    _bar(axes, pixels.shape, pixel_size_nm)


def _examples_figure(survey: Survey) -> Figure:
    """The paper's Figure 3: for each label a whole picture, and 200 px of its middle below it."""
    typical, names = _typical(survey), survey.folder.class_names
    columns = min(_ACROSS, len(typical))
    rows = -(-len(typical) // columns)
    drawn = figure(2.5 * columns, 4.6 * rows)
    grid = drawn.subplots(2 * rows, columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for k, surveyed in enumerate(typical):
        if surveyed is None:
            continue
        row, column = divmod(k, columns)
        above, below = grid[2 * row, column], grid[2 * row + 1, column]
        pixels = _pixels(survey, surveyed.picture.file)
        side = min(_ZOOM, *pixels.shape)
        top, left = ((s - side) // 2 for s in pixels.shape)
        _show(above, pixels, surveyed.pixel_size_nm)
        _show(below, pixels[top : top + side, left : left + side], surveyed.pixel_size_nm)
        above.add_patch(Rectangle((left, top), side, side, fill=False, edgecolor="#E69F00", linewidth=1.2))
        above.set_title(f"t = {names[k]}", fontsize=9, color=INK)
        for axes in (above, below):
            axes.set_axis_on()
    return drawn


def _grey_figure(check: Check) -> Figure:
    """Mean and contrast of every picture over t: what a model could grade by without looking at the surface."""
    grey, labels = check.grey, Labels(tuple(check.times), check.unit)
    drawn = figure(10, 3.4)
    times = np.array(grey.t, float)
    steps = np.diff(np.array(check.times, float))
    shift = np.random.default_rng(0).uniform(-0.25, 0.25, times.size) * steps.min()
    for axes, name in zip(drawn.subplots(1, 2), ("mean", "contrast"), strict=True):
        values = np.array(getattr(grey, name), float)
        axes.scatter(times + shift, values, s=9, alpha=0.6, linewidth=0, color=_DOT, label="picture")
        present = [t for t in check.times if (times == t).any()]
        means = [values[times == t].mean() for t in present]
        axes.plot(present, means, color=INK, marker="D", markersize=4, linewidth=1.4, label="mean of the label")
        tidy(axes)
        time_axis(axes, labels)
        shown = {"mean": "mean grey value", "contrast": "standard deviation of grey values"}[name]
        axes.set_ylabel(f"{shown}\n(share of the full range)", fontsize=9)
        axes.legend(fontsize=7.5, frameon=True, framealpha=0.9, edgecolor="none")
    return drawn


def _thumbnail(survey: Survey, file: str) -> Markup:
    try:
        image = Image.fromarray(grey_image(_pixels(survey, file)))
    except InputError:
        return Markup("")
    image.thumbnail((_THUMB, _THUMB))
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return embed_image(stream.getvalue(), file)


def _illustrated(survey: Survey, check: Check) -> list[tuple[Finding, list[list[tuple[str, Markup]]]]]:
    """The findings, each with thumbnails of the first pictures that it is about."""
    illustrated = []
    for finding in check.findings:
        examples: Sequence[tuple[str, ...]] = finding.pairs or [(file,) for file in finding.files]
        if finding.level == NOTE:
            examples = []
        rows = [[(file, _thumbnail(survey, file)) for file in files] for files in examples[:_PAIRS]]
        illustrated.append((finding, [row for row in rows if all(image for _, image in row)]))
    return illustrated


def _reading_rows(readings: Sequence[Reading]) -> list[tuple[str, ...]]:
    """A row for each spelling: where, as written, read as, t in the unit of all, pictures and lines, doubts."""
    return [
        (
            r.column,
            r.text,
            f"{time_text(r.value)} {r.unit}".strip(),
            time_text(r.t) if math.isfinite(r.t) else "–",
            str(len(r.files)),
            spans(r.lines).partition(" ")[2] or "–",
            r.doubt or "–",
        )
        for r in readings
    ]


def write_check(survey: Survey, split: SplitSettings, output: Path) -> Check:
    """Writes ``check.html`` with its figures as PNG beside it, ``check.json`` and ``pictures.csv``.

    Args:
        survey: of the folder.
        split: how it is to be split.
        output: where to write.

    Returns:
        The summary of the folder.
    """
    check = summarise(survey, split, str(output))
    check.write(output / RESULT)
    write_text(output / TABLE, picture_table(survey, check.findings), encoding="utf-8-sig")
    _write_page(survey, check)
    return check


def _write_page(survey: Survey, check: Check) -> None:
    figures = {"examples": _examples_figure(survey), "grey": _grey_figure(check)}
    alts = {"examples": "A typical picture of each label, whole and enlarged", "grey": "Grey levels over stress time"}
    write_page(
        "check/page.html.j2",
        check.page,
        figures=figures,
        alts=alts,
        check=check,
        name=Path(check.folder).name,
        columns=LabelSummary.titles(),
        readings=_reading_rows(check.readings),
        findings=_illustrated(survey, check),
        settings=check.settings.to_dict(),
        reading=check.reading.to_dict(),
        zoom=_ZOOM,
    )
