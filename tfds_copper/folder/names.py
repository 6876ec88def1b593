"""Stress times in the names of class folders: ``t03``, ``30minEtched``, ``1h30min``, ``15分後``, ``min30``."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping

from tfds_copper.errors import InputError
from tfds_copper.folder.numbers import NUMBER, plain_text, read_number
from tfds_copper.folder.times import Time, bounded, joined, time_text
from tfds_copper.folder.units import SECONDS
from tfds_copper.folder.words import look_before, look_behind

__all__ = ["is_class_name", "parse_name", "parse_names"]

_RULE = (
    "the name of a folder with pictures must hold exactly one number, the stress time t (t03, 15min, 2.5h), or a "
    "labels.csv say it"
)
_DATE = re.compile(
    r"(?<!\d)(?:(?:19|20)\d\d([-_. ])(?:0?[1-9]|1[0-2])\1(?:0[1-9]|[12]\d|3[01]|[1-9])"
    r"|(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
    r"|(?:0?[1-9]|[12]\d|3[01])([-_.])(?:0?[1-9]|1[0-2])\2(?:19|20)\d\d"
    r"|(?:(?:\d{2}|\d{4})[年년]\s*)?\d{1,2}[月월]\s*\d{1,2}(?:[日号號일])|(?:19|20)\d\d[年년])(?!\d)"
)
# Such as FeCl3, H2O2 and (NH4)2S2O8: at least two elements of those in etchants.
_FORMULA = re.compile(r"(?<![A-Za-z])(?=[^\W_]*\d|\()(?:\(?(?:Na|Fe|Cu|Cl|Cr|H|O|N|S|P|K|C|F)\d*\)?\d*){2,}(?![a-z\d])")
_YYMMDD = re.compile(r"\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")
_FIRST, _LAST = 1990, 2039
# What a number without a unit may be of its unit: 1h30.
_NEXT = {"h": "min", "min": "s"}


@dataclasses.dataclass
class _Part:
    """A number in a name: a time with a unit, a plain number, or something else.

    Args:
        text: as written.
        start: where it begins.
        end: where it and its unit end.
        value: 0 where it can't be read.
        unit: of time.
        other: what else it counts.
        unclear: why it can't be told what it is.
        words: words beside a plain number that are not understood.
        is_time: whether a word says that a plain number is a time.
    """

    text: str
    start: int
    end: int
    value: float = 0.0
    unit: str = ""
    other: str = ""
    unclear: str = ""
    words: tuple[str, ...] = ()
    is_time: bool = False

    @property
    def plain(self) -> bool:
        return not (self.unit or self.other or self.unclear)


def _decimal(text: str) -> tuple[float, str]:
    """The value of a number and why it can't be told."""
    number = read_number(text)
    if number is None:
        return 0.0, "several numbers"
    if number.thousands is not None:
        return 0.0, f"{time_text(number.value)} or {time_text(number.thousands)}"
    return number.value, ""


def _part(plain: str, found: re.Match[str], start: int) -> _Part:
    """A number with what stands beside it; the part before `start` belongs to another one."""
    head, rest = "\0" * bool(start) + plain[start : found.start()], plain[found.end() :]
    before, behind = look_before(head), look_behind(rest)
    value, unclear = _decimal(found[0])
    unclear = before.unclear or behind.unclear or unclear
    end = found.end() + behind.end
    part = _Part(found[0], found.start(), end, value + 0.5 * behind.half, unclear=unclear)
    if before.negative:
        part.unclear = "a time below 0"
    elif unclear:
        return part
    elif behind.other:
        part.other = behind.other
    elif behind.unit:
        part.unit = behind.unit
        if before.unit and before.unit != behind.unit:
            part.unclear = f"a time in {before.unit} or in {behind.unit}"
    elif before.other:
        part.other = before.other
    elif behind.word and (behind.glued or not before.is_time or not behind.word.isascii()):
        part.unclear = f"something counted in {behind.word!r}, no unit that is known"
    elif before.unit:
        part.unit = before.unit
    else:
        part.is_time = before.is_time
        part.words = tuple(word for word in (before.word, behind.word) if word)
        if _YYMMDD.fullmatch(found[0]) and not before.is_time:
            part.other = "a date"
    return part


def _follows(plain: str, first: _Part, second: _Part) -> bool:
    """Whether two numbers are one time, as in 1h30min, 2 h 30 min and 1h30."""
    gap = plain[first.end : second.start]
    if not first.unit or gap.strip(" ") or second.unclear or second.other:
        return False
    if second.plain:
        short = re.fullmatch(r"[0-5]\d", second.text) and first.unit in _NEXT and not gap and not second.words
        return bool(short) and not plain[second.end : second.end + 1].isalnum()
    ratio = SECONDS[first.unit] / SECONDS[second.unit]
    return second.value < ratio and first.value.is_integer()


def _parts(plain: str) -> list[_Part]:
    """All numbers of a name; dates and formulas are one each."""
    others, masked, parts = list[_Part](), plain, list[_Part]()
    for pattern, what in ((_DATE, "a date"), (_FORMULA, "a formula")):
        found_all = [found for found in pattern.finditer(masked) if re.search(r"\d", found[0])]
        others += [_Part(found[0], found.start(), found.end(), other=what) for found in found_all]
        for found in found_all:
            masked = masked[: found.start()] + "\0" * len(found[0]) + masked[found.end() :]
    for found in re.finditer(NUMBER, masked):
        part = _part(masked, found, parts[-1].end if parts else 0)
        if parts and _follows(masked, parts[-1], part):
            last = parts[-1]
            unit = part.unit or _NEXT[last.unit]
            last.value, last.unit = joined([(last.value, last.unit), (part.value, unit)])
            last.text, last.end = masked[last.start : part.end], part.end
        else:
            parts.append(part)
    return sorted(others + parts, key=lambda part: part.start)


def _refused(parts: list[_Part], name: str, where: str) -> InputError:
    unclear = [f"{p.text} may be {p.unclear}" for p in parts if p.unclear]
    other = [f"{p.text} is {p.other}" for p in parts if p.other]
    numbers = ", ".join(part.text for part in parts) or "none"
    if unclear or (other and len(parts) == 1):
        numbers = "; ".join(unclear or other)
    return InputError(f"{where}: {_RULE}. Received: {numbers} in {name!r}")


def _doubt(part: _Part) -> str:
    words = " and ".join(map(repr, part.words))
    return f"without a unit as {words} is not understood" if words else ""


def parse_name(name: str, where: str) -> Time:
    """The time in a class folder's name.

    Beside a time with its unit, numbers may stand that plainly are something else, such as ``20kV`` or a date.

    Args:
        name: the folder's name.
        where: what a message should call the folder.

    Raises:
        InputError: if the name holds no time, or several, or it can't be told what its number is.
    """
    parts = _parts(plain_text(name))
    unclear = [part for part in parts if part.unclear]
    times = [part for part in parts if part.unit]
    plain = [part for part in parts if part.plain]
    if unclear or len(times) > 1 or (times and plain) or (not times and (len(parts) != 1 or not plain)):
        raise _refused(parts, name, where)
    (part,) = times or plain
    return Time(bounded(part.value, part.text, where), part.unit, where, name, _doubt(part) if plain else "")


def is_class_name(name: str) -> bool:
    """Whether a folder without pictures is named like a class folder."""
    parts = _parts(plain_text(name))
    return len(parts) == 1 or len([part for part in parts if part.unit]) == 1


def _check_words(times: Mapping[str, Time]) -> None:
    """Unknown words beside numbers without units must be the same in all names, as else they may be units."""
    part_of = {name: _parts(plain_text(name))[0] for name, time in times.items() if not time.unit}
    words = {name: part.words for name, part in part_of.items() if part.words and not part.is_time}
    if words and (len(words) < len(times) or len(set(words.values())) > 1):
        first, *others = words
        also = f"; the same of {', '.join(map(repr, others))}" if others else ""
        raise InputError(
            f"{times[first].where}: {_RULE}. Received: {first!r}, where {' and '.join(map(repr, words[first]))} may be "
            f"a unit that is not known{also}"
        )


def _check_years(times: Mapping[str, Time]) -> None:
    """Numbers without units and words must not all look like years."""
    years = [n for n, t in times.items() if not t.unit and re.fullmatch(r"\d{4}", n) and _FIRST <= t.value <= _LAST]
    if len(years) > 1 and len(years) == len(times):
        raise InputError(f"{times[years[0]].where}: {_RULE}. Received: {', '.join(years)}, which may be years")


def parse_names(folders: Mapping[str, str]) -> dict[str, Time]:
    """The times of all class folders.

    Args:
        folders: for each folder's name what a message should call it.

    Raises:
        InputError: naming all folders whose name can't be read.
    """
    times: dict[str, Time] = {}
    refused: list[tuple[str, InputError]] = []
    for name, where in folders.items():
        try:
            times[name] = parse_name(name, where)
        except InputError as error:
            refused.append((name, error))
    if refused:
        others = ", ".join(repr(name) for name, _ in refused[1:])
        raise InputError(f"{refused[0][1]}{f'; nor can these be read: {others}' if others else ''}")
    _check_words(times)
    _check_years(times)
    return times
