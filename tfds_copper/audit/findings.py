"""What is wrong with a SEM folder, each thing in one line: the rules of `copper check`."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence

from tfds_copper.audit.burnt_in import BurntIn, burnt_in, rows_text
from tfds_copper.audit.exposure import FACTOR, low_depth, odd_exposures
from tfds_copper.audit.imbalance import imbalance
from tfds_copper.audit.shortcuts import MARKS, Shortcut, shortcuts
from tfds_copper.audit.survey import Survey, SurveyedPicture
from tfds_copper.errors import InputError
from tfds_copper.splits.assign import SplitSettings, assign, caveats
from tfds_copper.splits.groups import opened_labels

__all__ = ["LEAST_CROPS", "NOTE", "UNSOUND", "WARNING", "Finding", "findings"]

# Training would be unsound; results need care; only worth knowing.
UNSOUND, WARNING, NOTE = "unsound", "warning", "note"

# The shorter side in px below which a picture holds no patch that a net could learn from, and no crop of any use.
_USELESS, _SMALL = 32, 128
# A map of fewer different crops, of that side, isn't worth its name.
LEAST_CROPS = 24
# Shares of pixels at an end of the range that tell of a wrong gain, not of pores or edges.
_BLACK, _WHITE = 0.5, 0.2


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a folder, or worth knowing.

    Args:
        level: `UNSOUND`, `WARNING` or `NOTE`.
        rule: the rule's name, one word.
        text: one line in plain words, with what can be done.
        files: all files that it is about; empty where it is about the whole folder.
        pairs: pairs of pictures that show the same place, if that is what was found; `files` holds them too.
    """

    level: str
    rule: str
    text: str
    files: tuple[str, ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()


def _names(surveyed: Iterable[SurveyedPicture]) -> tuple[str, ...]:
    return tuple(s.picture.file for s in surveyed)


def _such_as(names: Sequence[str]) -> str:
    return f"such as {names[0]}" if len(names) > 1 else names[0]


def _pictures(count: int) -> str:
    return "1 picture" if count == 1 else f"{count} pictures"


def _unreadable(survey: Survey, _: SplitSettings) -> Iterator[Finding]:
    for surveyed in survey.pictures:
        if surveyed.error:
            yield Finding(UNSOUND, "unreadable", surveyed.error, (surveyed.picture.file,))


def _empty(survey: Survey, _: SplitSettings) -> Iterator[Finding]:
    readable = [s for s in survey.pictures if not s.error]
    blank = [s for s in readable if s.contrast == 0]
    if blank:
        names = _names(blank)
        yield Finding(UNSOUND, "blank", f"{_pictures(len(names))} of one grey value only: {_such_as(names)}", names)
    for name, share, limit in (("black", lambda s: s.black, _BLACK), ("white", lambda s: s.white, _WHITE)):
        names = _names(s for s in readable if s.contrast > 0 and share(s) > limit)
        if names:
            text = f"{_pictures(len(names))} with more than {limit:.0%} of the pixels fully {name}: {_such_as(names)}"
            yield Finding(WARNING, "saturated", text, names)


def _small(survey: Survey, _: SplitSettings) -> Iterator[Finding]:
    readable = [s for s in survey.pictures if not s.error]
    for level, low, high in ((UNSOUND, 0, _USELESS), (WARNING, _USELESS, _SMALL)):
        names = _names(s for s in readable if low <= min(s.shape) < high)
        if names:
            text = f"{_pictures(len(names))} with a side of less than {high} px: {_such_as(names)}"
            yield Finding(level, "small", text, names)


def _pixel_sizes(survey: Survey, _: SplitSettings) -> Iterator[Finding]:
    readable = [s for s in survey.pictures if not s.error]
    unknown = _names(s for s in readable if s.pixel_size_nm != s.pixel_size_nm)
    if len(unknown) == len(readable):
        yield Finding(
            WARNING, "pixel-size", "pixel sizes are unknown: nothing shows that all pictures are of one scale; give "
            "--pixel-size or a column pixel_size_nm in labels.csv"
        )  # fmt: skip
    elif unknown:
        text = f"the pixel size of {_pictures(len(unknown))} of {len(readable)} is unknown: {_such_as(unknown)}"
        yield Finding(WARNING, "pixel-size", text, unknown)
    sizes = collections.Counter(round(s.pixel_size_nm, 3) for s in readable if s.pixel_size_nm == s.pixel_size_nm)
    if sizes and max(sizes) > 1.005 * min(sizes):
        shown = ", ".join(f"{size:g} nm ({n})" for size, n in sorted(sizes.items())[:6])
        text = f"{len(sizes)} pixel sizes: {shown}; --resample {max(sizes):g} brings all pictures to the largest"
        yield Finding(WARNING, "pixel-size", text, _names(s for s in readable if s.pixel_size_nm < max(sizes)))


def _metadata(survey: Survey, _: SplitSettings) -> Iterator[Finding]:
    rescaled = [s for s in survey.pictures if any("cut or rescaled since" in n for n in s.notes)]
    if rescaled:
        note = next(n for n in rescaled[0].notes if "cut or rescaled since" in n)
        names = _names(rescaled)
        yield Finding(WARNING, "contradiction", f"{_pictures(len(names))}, {_such_as(names)}: {note}", names)
    dropped: dict[str, list[SurveyedPicture]] = collections.defaultdict(list)
    for surveyed in survey.pictures:
        for value in surveyed.metadata.dropped:
            dropped[value].append(surveyed)
    for value, of in sorted(dropped.items()):
        text = f"metadata that can't be right, used for nothing: {value} ({len(of)})"
        yield Finding(NOTE, "metadata", text, _names(of))


def _depths(survey: Survey, _: SplitSettings) -> Iterator[Finding]:
    readable = [s for s in survey.pictures if not s.error and s.contrast > 0]
    depths = collections.Counter(s.bit_depth for s in readable)
    wide, bits = ([], 0) if survey.settings.bit_depth else low_depth(readable)
    if bits:
        text = (
            f"no grey value above {2**bits - 1} in {_pictures(len(wide))} of 16 bits, {_such_as(_names(wide))}: if "
            f"they were recorded with {bits} bits, --bit-depth {bits} reads them so; else they are very dark"
        )
        yield Finding(WARNING, "depth", text, _names(wide))
    if len(depths) > 1:
        shown = ", ".join(f"{depth} bits ({n})" for depth, n in sorted(depths.items()))
        rare = min(depths, key=lambda depth: depths[depth])
        names = _names(s for s in readable if s.bit_depth == rare)
        yield Finding(WARNING, "mixed-depths", f"mixed bit depths: {shown}; {_such_as(names)} has {rare}", names)


def _exposures(survey: Survey, _: SplitSettings) -> Iterator[Finding]:
    names = _names(odd_exposures([s for s in survey.pictures if not s.error and s.contrast > 0]))
    if names:
        text = (
            f"mixed exposures: brightness and contrast of {_pictures(len(names))}, {_such_as(names)}, differ by more "
            f"than a factor of {FACTOR:g} from those of others of the same label: another gain, or another bit depth"
        )
        yield Finding(WARNING, "exposure", text, names)


def _lossy(survey: Survey, _: SplitSettings) -> Iterator[Finding]:
    names = _names(s for s in survey.pictures if any(n.startswith("JPEG") for n in s.notes))
    if names:
        text = f"{_pictures(len(names))} saved as JPEG, which changes fine texture: {_such_as(names)}"
        yield Finding(WARNING, "lossy", text, names)


def _bars(survey: Survey, _: SplitSettings) -> Iterator[Finding]:
    rows = collections.Counter((s.bar.rows, s.bar.side) if s.bar else None for s in survey.pictures if not s.error)
    if set(rows) - {None}:
        cut = (f"{_pictures(n)}: {k[0]} rows at the {k[1]}" for k, n in sorted(rows.items(), key=str) if k)
        rest = f"; {_pictures(rows[None])} without" if rows[None] else ""
        names = _names(s for s in survey.pictures if s.bar and not s.error)
        yield Finding(NOTE, "bar", f"information bars cut off, {', '.join(cut)}{rest}", names)


def _way_out(marks: BurntIn) -> str:
    """What can be done about marks."""
    if marks.left < _USELESS:
        return "no --bar leaves enough of the pictures without them; record them anew without text"
    return f"--bar {marks.bar} cuts them off all pictures and leaves {marks.left} of {marks.height} rows"


def _marks(survey: Survey, _: SplitSettings) -> Iterator[Finding]:
    for marks in burnt_in(survey):
        found = marks.association
        what = f"text or marks are burnt into {len(marks.files)} of {marks.compared} pictures at rows "
        what += f"{rows_text(marks.rows)}, {_such_as(marks.files)}"
        follows = "a model can learn them instead of the surface"
        if found is not None and (found.strong or found.weak):
            follows = Shortcut(MARKS, "their content or presence", found).text
        level = UNSOUND if found is not None and found.strong else WARNING
        yield Finding(level, MARKS, f"{what}; {follows}; {_way_out(marks)}", marks.files)


def _linked(survey: Survey, _: SplitSettings) -> Iterator[Finding]:
    kinds: dict[tuple[str, str, str], list[tuple[str, str]]] = collections.defaultdict(list)
    for alike in survey.duplicates:
        a, b = survey.pictures[alike.first].picture, survey.pictures[alike.second].picture
        what = "overlap" if alike.kind == "overlap" else "copy"
        where = "one sheet" if a.sheet and a.sheet == b.sheet else "different sheets" if a.sheet or b.sheet else ""
        kinds[what, "one label" if a.label == b.label else "different labels", where].append((a.file, b.file))
    for (what, labels, where), pairs in sorted(kinds.items()):
        across = labels == "different labels"
        # A sheet that carries several labels by design may show one place under two of them; it is never split.
        level = UNSOUND if across and (what == "copy" or where != "one sheet") else WARNING
        of = f" of {where}" if where else ""
        shows = "show overlapping fields of view" if what == "overlap" else "are copies of each other"
        under = f" under {labels}" if across else ""
        verb = "one of each must go, or its label is wrong" if level == UNSOUND else "they are kept in one split"
        text = f"{len(pairs)} pairs of pictures{of} {shows}{under}: {verb}; such as {pairs[0][0]} and {pairs[0][1]}"
        near = ", near-duplicates" if what == "overlap" and where == "one sheet" else ""
        files = tuple(dict.fromkeys(file for pair in pairs for file in pair))
        yield Finding(level, what, text.replace(shows, shows + near), files, tuple(pairs))


def _splits(survey: Survey, settings: SplitSettings) -> Iterator[Finding]:
    pictures = survey.folder.pictures
    folds: list[dict[str, str]] = []
    try:
        folds += [assign(pictures, one, survey.links) for one in settings.each_fold]
    except InputError as error:
        yield Finding(UNSOUND, "split", str(error))
    opened = set(opened_labels(pictures)) if any(p.sheet for p in pictures) else set()
    for text in caveats(pictures, settings):
        yield Finding(WARNING, "sheets", text, tuple(p.file for p in pictures if p.t in opened))
    if folds:
        yield from _few(survey, folds)


def _few(survey: Survey, folds: Sequence[dict[str, str]]) -> Iterator[Finding]:
    pixels = {s.picture.file: s.shape[0] * s.shape[1] for s in survey.pictures if not s.error}
    held = min(sum(pixels.get(file, 0) for file, split in fold.items() if split == "train") for fold in folds)
    if held < LEAST_CROPS * _SMALL**2:
        text = (
            f"the training pictures hold {held // _SMALL**2} crops of {_SMALL} px; `copper fit` needs {LEAST_CROPS} "
            "to learn maps from: add pictures, or larger ones"
        )
        yield Finding(WARNING, "few", text)


def _imbalance(survey: Survey, _: SplitSettings) -> Iterator[Finding]:
    text = imbalance((p.label for p in survey.folder.pictures), survey.folder.class_names)
    if text:
        yield Finding(WARNING, "imbalance", f"{text}; record more, or train classifiers by --class-weight balanced")


def _skipped(survey: Survey, _: SplitSettings) -> Iterator[Finding]:
    for reason, names in survey.folder.skipped_files.items():
        yield Finding(NOTE, "skipped", f"skipped {len(names)}: {reason}", names)


def _readings(survey: Survey, _: SplitSettings) -> Iterator[Finding]:
    doubted = [reading for reading in survey.folder.readings if reading.doubt]
    for column in dict.fromkeys(reading.column for reading in doubted):
        of = [reading for reading in doubted if reading.column == column]
        shown = "; ".join(f"{r.text!r} is read as {f'{r.value:.15g} {r.unit}'.strip()}, {r.doubt}" for r in of[:3])
        rest = f"; and {len(of) - 3} more" if len(of) > 3 else ""
        text = f"{column}: {shown}{rest}. check.html and check.json list all of them with their rows"
        yield Finding(WARNING, "reading", text, tuple(dict.fromkeys(file for r in of for file in r.files)))


def _shortcuts(survey: Survey, _: SplitSettings) -> Iterator[Finding]:
    for shortcut in shortcuts(survey):
        # Of marks it is said where they are, too.
        if shortcut.rule != MARKS and (shortcut.association.strong or shortcut.association.weak):
            level = UNSOUND if shortcut.association.strong else WARNING
            yield Finding(level, shortcut.rule, shortcut.text)


_RULES: tuple[Callable[[Survey, SplitSettings], Iterator[Finding]], ...] = (
    _unreadable, _empty, _small, _linked, _shortcuts, _marks, _splits, _imbalance, _readings, _depths, _exposures,
    _pixel_sizes, _metadata, _lossy, _bars, _skipped,
)  # fmt: skip


def findings(survey: Survey, settings: SplitSettings | None = None) -> list[Finding]:
    """Everything worth knowing of a folder, the worst first.

    Args:
        survey: of the folder.
        settings: how it is to be split; the defaults where None.
    """
    found = [f for rule in _RULES for f in rule(survey, settings or SplitSettings())]
    return sorted(found, key=lambda f: (UNSOUND, WARNING, NOTE).index(f.level))
