"""Numbers as people write them: full-width digits, decimal commas, thousands separators of every country."""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Iterable

__all__ = [
    "CELL_NUMBER",
    "HYPHENS",
    "MINUS",
    "NUMBER",
    "PLAIN",
    "Number",
    "Style",
    "number_of_cell",
    "plain_cell",
    "plain_text",
    "read_number",
    "style_of",
]

# Signs that are always a minus, and those that may be a hyphen, too; as NFKC leaves them.
MINUS = "\u2212\u02d7\u2796"
HYPHENS = "-\u00ad\u2010\u2011\u2012\u2013\u2014\u2015\u2043"
# What stands for digits that are no plain number: powers, indices, fractions, numbers in circles.
_POWER = "^"
NUMBER = r"(?:\d+(?:[.,]\d+)*|(?<![^\W_])[.,]\d+)"
# In a cell, where blanks and apostrophes may separate thousands.
CELL_NUMBER = re.compile(r"\d(?:[\d.,]|[ '\u2019](?=\d{3}(?!\d)))*(?:[eE][+\-\u2212]?\d+)?|[.,]\d+")
_SINGLE = re.compile(r"(\d*)([.,])(\d+)")
_GROUPS = re.compile(r"\d{1,3}(?:([.,' \u2019])\d{3})(?:\1\d{3})*(?:(?!\1)([.,])\d+)?")


@dataclasses.dataclass(frozen=True)
class Number:
    """A number that was read.

    Args:
        value: the number.
        mark: the decimal sign that it shows, ``.`` or ``,``; empty where it shows none for certain.
        thousands: what it is if its one sign separates thousands; None where it can't.
    """

    value: float
    mark: str = ""
    thousands: float | None = None


def plain_text(text: str) -> str:
    """A text in NFKC without invisible characters, with ``^`` for digits that are not plain: ``²``, ``½``, ``①``."""
    composed = (c for c in unicodedata.normalize("NFC", text) if unicodedata.category(c) != "Cf" or c == "\u00ad")
    plain = (c if c.isdecimal() or not re.search(r"\d", unicodedata.normalize("NFKC", c)) else _POWER for c in composed)
    return unicodedata.normalize("NFKC", "".join(plain))


def read_number(text: str) -> Number | None:
    """The number that a text is; None where it is none of at least 0.

    ``1.500`` and ``1,500`` are read as 1.5, with 1500 as the other reading; ``0,500``, ``1.234,5`` and ``1 500`` have
    only one.

    Args:
        text: as `plain_text` gives it, without blanks around it.
    """
    mantissa, exponent = text, ""
    if found := re.fullmatch(r"(.+)[eE]([+\-\u2212]?\d{1,3})", text):
        mantissa, exponent = found.groups()
    factor = f"e{exponent.replace(MINUS[0], '-')}" if exponent else ""
    if re.fullmatch(r"\d+", mantissa):
        return Number(float(mantissa + factor))
    groups, single = _GROUPS.fullmatch(mantissa), _SINGLE.fullmatch(mantissa)
    if single:
        whole, mark, behind = single.groups()
        value = float(f"{whole or 0}.{behind}{factor}")
        if groups and not whole.startswith("0") and not factor:
            return Number(value, "", float(whole + behind))
        return Number(value, mark)
    if groups and not factor:
        separator, mark = groups.groups()
        value = float(mantissa.replace(separator, "").replace(mark or ".", "."))
        return Number(value, mark or {".": ",", ",": "."}.get(separator, ""))
    return None


@dataclasses.dataclass(frozen=True)
class Style:
    """How a table writes numbers.

    Args:
        mark: the decimal sign that some of its numbers show; empty where none does, or they disagree.
        comma_separates: whether commas separate its cells, so that one within a number is no decimal comma.
    """

    mark: str = ""
    comma_separates: bool = False

    def choose(self, number: Number, written: str) -> tuple[float, str]:
        """The value of a number, and what else it may be; empty where it can be nothing else."""
        if number.thousands is None:
            return number.value, ""
        sign = "," if "," in written else "."
        if self.mark:
            return (number.value if sign == self.mark else number.thousands), ""
        first, second = number.value, number.thousands
        if sign == "," and self.comma_separates:
            first, second = second, first
        return first, f"may be {second:.15g}"


PLAIN = Style()


def plain_cell(text: str) -> str:
    """A cell as `plain_text`, without the apostrophe by which Excel keeps a number as text, and without a plus."""
    return plain_text(text).strip().removeprefix("'").removeprefix("+")


def style_of(cells: Iterable[str], comma_separates: bool) -> Style:
    """How a table writes numbers.

    Args:
        cells: those of its numbers.
        comma_separates: whether commas separate its cells.
    """
    found = (read_number(number) for cell in cells for number in CELL_NUMBER.findall(plain_cell(cell)))
    marks = {number.mark for number in found if number is not None} - {""}
    return Style(marks.pop() if len(marks) == 1 else "", comma_separates)


def number_of_cell(text: str, style: Style) -> tuple[float, str] | None:
    """The number of at least 0 that a cell holds, and what else it may be; None where it holds anything else."""
    plain = plain_cell(text)
    number = read_number(plain) if plain else None
    return None if number is None else style.choose(number, plain)
