"""Numbers with units, dates and texts as microscopes write them; what can't be right is dropped and named.

Units are tables and not pint: vendors write them in any case and damaged ("NA", "オm"), which pint refuses or misreads
("na" as nanoyears), and its import takes longer than reading many pictures.
"""

from __future__ import annotations

import dataclasses
import datetime
import math
import re
import reprlib
import unicodedata
from typing import Any

from tfds_copper.micrograph.record import Metadata

__all__ = ["MetadataBuilder", "printable", "sizes", "tag_bytes"]

_LONGEST = 60
# Vendors write both sides of a pixel rounded; more than this share apart is no rounding.
_SQUARE = 0.005
_FIRST_YEAR, _LAST_YEAR = 1960, 2200
_MOST_PIXELS = 200_000

# Each unit's power of ten; "オm" is a µm written in latin-1 and read in cp932, "âμm" one in UTF-8 read in latin-1.
_LENGTH = {
    "fm": -15,
    "pm": -12,
    "å": -10,
    "nm": -9,
    "um": -6,
    "μm": -6,
    "オm": -6,
    "âμm": -6,
    "mm": -3,
    "cm": -2,
    "m": 0,
}
_LENGTH |= {"micron": -6, "microns": -6, "angstrom": -10, "ångström": -10}
_PREFIXES = {"nano": -9, "micro": -6, "milli": -3, "centi": -2, "": 0}
_LENGTH |= {f"{prefix}{unit}": power for prefix, power in _PREFIXES.items()
            for unit in ("meter", "meters", "metre", "metres")}  # fmt: skip
_VOLTAGE = {"v": 0, "volt": 0, "volts": 0, "kv": 3}
_CURRENT = {"fa": -15, "pa": -12, "na": -9, "ua": -6, "μa": -6, "ma": -3, "a": 0}
_TIME = {"ns": -9, "us": -6, "μs": -6, "ms": -3, "s": 0, "sec": 0, "secs": 0}
_ANGLE = {"°": 0, "deg": 0, "degree": 0, "degrees": 0}
_TIMES = {"x": 0, "×": 0, "kx": 3, "k": 3}

_NUMBER = re.compile(r"([+-]?)([0-9]*)(?:([.,])([0-9]*))?((?:[eE][+-]?[0-9]+)?)\s*([^0-9.,\s].*)?", re.DOTALL)
_DATES = (
    (re.compile(r"([0-9]{4})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})日?(?![0-9])"), "ymd"),
    (re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})(?![0-9])"), "dmy"),
    (re.compile(r"([0-9]{1,2})[-/]([0-9]{1,2})[-/]([0-9]{4})(?![0-9])"), "mdy"),
    (re.compile(r"([0-9]{1,2})[- ]([A-Za-z]{3})[a-z]*[- ,]+([0-9]{4})(?![0-9])"), "dmy"),
)
_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: i for i, name in enumerate(_NAMES, 1)}
_CLOCK = re.compile(r"(午前|午後)?\s*([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.[0-9]*)?)?\s*([AaPp])?\.?[Mm]?\.?")


@dataclasses.dataclass(frozen=True)
class _Range:
    """What a field may hold: the units it is written in, its own unit's power of ten, and its bounds."""

    units: dict[str, int]
    power: int
    low: float
    high: float
    above: bool = True

    def holds(self, value: float) -> bool:
        """Whether the value, in the field's own unit, is one that physics allows."""
        return (self.low < value if self.above else self.low <= value) and value <= self.high


_STAGE = _Range(_LENGTH, -3, -1000, 1000, above=False)
_RANGES = {
    "pixel_size_nm": _Range(_LENGTH, -9, 1e-4, 1e6),
    "magnification": _Range(_TIMES, 0, 0, 1e7),
    "voltage_kv": _Range(_VOLTAGE, 3, 0, 400),
    "working_distance_mm": _Range(_LENGTH, -3, 0, 200),
    "tilt_deg": _Range(_ANGLE, 0, -180, 180, above=False),
    # Stages turn a little further than once around.
    "rotation_deg": _Range(_ANGLE, 0, -720, 720, above=False),
    "stage_x_mm": _STAGE,
    "stage_y_mm": _STAGE,
    "stage_z_mm": _STAGE,
    "dwell_us": _Range(_TIME, -6, 0, 1e12),
    "beam_current_pa": _Range(_CURRENT, -12, 0, 1e12, above=False),
}


def printable(value: Any) -> str:
    """A value as one line of text without control characters, of any length."""
    try:
        text = value if isinstance(value, str) else reprlib.repr(value)
    except ValueError:
        text = "a number of too many digits"
    return "".join(c if c.isprintable() else "?" for c in text.strip())


def tag_bytes(tag: Any) -> bytes:
    """The bytes of a tag that tifffile gave whatever type; none where it has none."""
    if isinstance(tag, str):
        return tag.encode("utf-8", "replace")
    try:
        return bytes(tag) if isinstance(tag, bytes | bytearray | tuple) else b""
    except (TypeError, ValueError):
        return b""


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _plain_number(text: str) -> tuple[float, str] | None:
    match = _NUMBER.fullmatch(unicodedata.normalize("NFKC", text).strip())
    if match is None or not (match[2] or match[4]):
        return None
    sign, whole, point, rest, power, unit = match.groups()
    # 99,218 may be 99.218 or 99218; 0,125 and 99,2 can be read in one way only.
    if point == "," and len(rest or "") == 3 and not power and 0 < len(whole) <= 3 and whole != "0":
        return None
    return float(f"{sign}{whole or 0}.{rest or 0}{power}"), (unit or "").strip()


def _number(value: Any, unit: str) -> tuple[float, str] | None:
    """The number and its unit; `unit` where none is written, None where there is no finite number."""
    if isinstance(value, str):
        found = _plain_number(value)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        try:
            found = (float(value), "")
        except OverflowError:
            return None
    else:
        return None
    return (found[0], found[1] or unit) if found and math.isfinite(found[0]) else None


def _converted(field: str, value: Any, unit: str, factor: float = 1) -> float | None:
    found = _number(value, unit)
    if found is None:
        return None
    number, written = found[0], "".join(unicodedata.normalize("NFKC", found[1]).casefold().split())
    if written == "rad":
        number, written = math.degrees(number), "deg"
    allowed = _RANGES[field]
    if written not in allowed.units:
        return None
    power = allowed.units[written] - allowed.power
    # 12 digits: what is beyond them comes from converting. Adding 0 makes -0 a 0.
    number = float(f"{factor * number * 10.0**power:.12g}") + 0.0
    return number if math.isfinite(number) and allowed.holds(number) else None


def _whole(value: Any) -> int | None:
    found = _number(value, "")
    if found is None or found[1] not in ("", "px") or not found[0].is_integer():
        return None
    return int(found[0]) if 0 <= found[0] <= _MOST_PIXELS else None


def sizes(value: Any) -> list[str]:
    """The two sides in a picture's size, ``1280x960``, ``1024 * 768`` or ``1280 960``; empty where there are none."""
    match = re.fullmatch(r"([0-9]+)(?:\s*[xX*×]\s*|\s+)([0-9]+)", value.strip()) if isinstance(value, str) else None
    return list(match.groups()) if match else []


def _day(text: str) -> tuple[datetime.date, str] | None:
    """The date at the beginning of a text, and what follows it."""
    for pattern, order in _DATES:
        match = pattern.match(text)
        if match is None:
            continue
        part = {letter: _MONTHS.get(v.casefold()) or (int(v) if v.isdecimal() else 0)
                for letter, v in zip(order, match.groups(), strict=True)}  # fmt: skip
        year, month, day = part["y"], part["m"], part["d"]
        # Month first as on US systems, unless there is no such month.
        if order == "mdy" and month > 12:
            month, day = day, month
        try:
            found = datetime.date(year, month, day)
        except ValueError:
            return None
        return (found, text[match.end() :].strip(" T\t")) if _FIRST_YEAR <= year <= _LAST_YEAR else None
    return None


def _clock(text: str) -> datetime.time | None:
    match = _CLOCK.fullmatch(text)
    if match is None:
        return None
    hour, half = int(match[2]), {"午前": "a", "午後": "p"}.get(match[1], (match[5] or "").casefold())
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    try:
        return datetime.time(hour, int(match[3]), int(match[4] or 0))
    except ValueError:
        return None


class MetadataBuilder:
    """Builds `Metadata` from raw values: the first usable value of a field stays, garbage is dropped and named.

    Args:
        vendor: as in `Metadata`.
    """

    def __init__(self, vendor: str) -> None:
        self._values: dict[str, Any] = {"vendor": vendor}
        self._dropped: dict[str, None] = {}

    def drop(self, key: str, value: Any, why: str = "") -> None:
        """Names a value as dropped, ``key=value``, or with a reason ``key=value (why)``."""
        note = f" ({why})" if why else ""
        self._dropped[f"{_cut(f'{key}={printable(value)}')}{note}"] = None

    def has(self, field: str) -> bool:
        """Whether a field of `Metadata` has a value."""
        return field in self._values

    def measure(self, field: str, key: str, value: Any, unit: str = "", factor: float = 1) -> None:
        """Takes a number with a unit into a field.

        Args:
            field: of `Metadata`, one that has a unit.
            key: the vendor's name of the value.
            value: a number, or text with or without a unit; None and empty text are no value.
            unit: the unit where the text has none; a number without any is dropped.
            factor: what the number is to be multiplied by.
        """
        if field in self._values or value is None or value == "":
            return
        number = _converted(field, value, unit, factor)
        if number is None:
            self.drop(key, value)
        else:
            self._values[field] = number

    def pixels(
        self, keys: tuple[str, str], values: tuple[Any, Any], unit: str, factors: tuple[float, float] = (1, 1)
    ) -> None:
        """Takes the size of a pixel.

        Args:
            keys: the vendor's names of its width and its height.
            values: what they hold.
            unit: where they have none.
            factors: what the numbers are to be multiplied by.
        """
        taken = not self.has("pixel_size_nm")
        self.measure("pixel_size_nm", keys[0], values[0], unit, factors[0])
        width, height = (
            _converted("pixel_size_nm", v, unit, factor) for v, factor in zip(values, factors, strict=True)
        )
        if taken and width and height and abs(height / width - 1) > _SQUARE:
            self.drop(keys[1], values[1], "pixels are not square")

    def count(self, field: str, key: str, value: Any) -> None:
        """Takes a number of pixels into a field; 0 stands for unknown."""
        if field in self._values or value is None or value == "":
            return
        number = _whole(value)
        if number is None or (number == 0 and field != "bar_rows"):
            self.drop(key, value)
        else:
            self._values[field] = number

    def size(self, key: str, value: Any) -> None:
        """Takes a picture's size, ``1280x960`` or ``1280 960``, into width and height."""
        if value is None or value == "" or "width" in self._values:
            return
        sides = [_whole(side) for side in sizes(value)]
        if all(sides) and len(sides) == 2:
            self._values["width"], self._values["height"] = sides
        else:
            self.drop(key, value)

    def text(self, field: str, value: Any) -> None:
        """Takes a text into a field; tags' yes and no, and whatever else is no text, are none."""
        if field not in self._values and isinstance(value, str | int) and not isinstance(value, bool):
            written = _cut(printable(value))
            if written:
                self._values[field] = written

    def moment(self, keys: tuple[str, str], date: Any, time: Any = None) -> None:
        """Takes a date and a time of day, or a date that has its time behind it.

        Args:
            keys: the vendor's names of the date and the time.
            date: ``2019-03-04``, ``2019/03/04``, ``4.3.2019``, ``03/04/2019`` (month first), ``4 Mar 2019``.
            time: ``17:06:40`` or ``05:06:40 PM``; one that can't be right leaves the date.
        """
        if "date" in self._values or date is None or date == "":
            return
        found = _day(unicodedata.normalize("NFKC", date).strip()) if isinstance(date, str) else None
        if found is None:
            self.drop(keys[0], date)
            return
        day, behind = found
        written = behind if time is None or time == "" else time
        clock = _clock(unicodedata.normalize("NFKC", written).strip()) if isinstance(written, str) else None
        if clock is None and written != "":
            self.drop(keys[1], written)
        self._values["date"] = (datetime.datetime.combine(day, clock) if clock else day).isoformat()

    def metadata(self) -> Metadata:
        """The metadata from all values so far."""
        return Metadata(**self._values, dropped=tuple(self._dropped))
