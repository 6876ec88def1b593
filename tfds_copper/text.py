"""Text files of instruments and of Excel, which don't say in which encoding they are; many names in a sentence."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator, Sequence

__all__ = ["decoded", "first_line", "last_line", "listed", "unicode_encoding", "windows_encoding"]

_BYTE_ORDER_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
# One encoding is right where the words that can't be written so are fewer than a quarter of those of the other.
_CLEARLY = 4
_WORD = re.compile(r"[A-Za-z\u0080-\U0010ffff]+")
_HALF_WIDTH = re.compile(r"[\uff61-\uff9f]+")
_PRIVATE = re.compile(r"[\ue000-\uf8ff]")
_LATIN = "[A-Za-zÀ-ÖØ-öø-ÿŒœŠšŽž]"
# A western word: signs at its ends or between plain letters, accents one or two at a time, no capital within.
_SIGNS = re.compile(r"[µ±×°²³·§€½¼¾º¹–—…\xa0]")
_WESTERN = re.compile(rf"[“„‘‚«]?(?:[µ±×°·–—§€½¼¾]?{_LATIN}*(?:[’·–—\xa0]{_LATIN}+)*[°²³¹½º%]?)[”“’»…–—\xa0]?")
_ACCENTS = re.compile(r"[À-ÖØ-öø-ÿŒœŠšŽž]{3,}|[a-zà-öø-ÿ][À-ÖØ-ÞŠŽŒ]")


def unicode_encoding(data: bytes) -> tuple[int, str] | None:
    """(length of the byte order mark, encoding) of UTF-16 and of texts with such a mark; None of others."""
    for mark, code in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            return len(mark), code
    # ASCII in UTF-16 is zero in every other byte: the second of a pair where the low byte comes first.
    low_first, high_first = data[1::2].count(0), data[::2].count(0)
    if max(low_first, high_first) < len(data) / 8 or low_first == high_first:
        return None
    return 0, "utf-16-le" if low_first > high_first else "utf-16-be"


def _is_western(word: str) -> bool:
    if len(word) == 1:
        return bool(_SIGNS.fullmatch(word) or re.fullmatch(_LATIN, word))
    return bool(_WESTERN.fullmatch(word) and re.search("[A-Za-z]", word) and not _ACCENTS.search(word))


def _is_japanese(word: str) -> bool:
    if _PRIVATE.search(word):
        return False
    raw = word.encode("cp932")
    for run in _HALF_WIDTH.findall(word):
        # Alone it is a letter with an accent, in pairs it may be Chinese or Korean.
        if len(run) == 1 or (run == word and _double_byte(raw)):
            return False
    if re.search(r"[a-z][\u4e00-\u9fff][a-z]", word):
        return False
    # A Kanji of an accented letter and the plain one behind it.
    ends = [kanji.encode("cp932") for kanji in re.findall(r"([\u4e00-\u9fff])[a-z]", word)]
    return not any(first >= 0xE0 and chr(second).isalpha() for first, second in ends)


def _double_byte(raw: bytes) -> bool:
    for code in ("gb2312", "euc_kr"):
        try:
            raw.decode(code)
        except UnicodeDecodeError:
            continue
        return True
    return False


def _strange(data: bytes, code: str, fits: Callable[[str], bool]) -> tuple[int, int] | None:
    """How many different words beyond ASCII there are in an encoding, and how many of them no one writes."""
    try:
        text = data.decode(code)
    except UnicodeDecodeError:
        return None
    words: Iterator[str] = (word for word in set(_WORD.findall(text)) if not word.isascii())
    found = [fits(word) for word in words]
    return len(found), found.count(False)


def windows_encoding(data: bytes) -> str | None:
    """Whether bytes beyond ASCII are Japanese (``cp932``) or western (``cp1252``); None where that can't be told."""
    japanese, western = _strange(data, "cp932", _is_japanese), _strange(data, "cp1252", _is_western)
    bad_j, bad_w = (1.0 if s is None else s[1] / max(s[0], 1) for s in (japanese, western))
    if japanese and bad_j < 0.5 and bad_j * _CLEARLY < bad_w:
        return "cp932"
    if western and bad_w < 0.5 and bad_w * _CLEARLY < bad_j:
        return "cp1252"
    return None


def decoded(data: bytes) -> str | None:
    """The text in UTF-8, UTF-16 with or without a mark, Japanese or western Windows; None where it can't be told."""
    found = unicode_encoding(data)
    skip, code = found or (0, "utf-8")
    try:
        return data[skip:].decode(code)
    except UnicodeDecodeError:
        guessed = None if found else windows_encoding(data)
    return data.decode(guessed) if guessed else None


def listed(names: Sequence[str], most: int) -> str:
    """The first names, and how many more there are: ``a, b and 3 more``."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _lines(error: BaseException) -> list[str]:
    return str(error).strip().splitlines() or [type(error).__name__]


def first_line(error: BaseException) -> str:
    """The beginning of what an error says, or its kind where it says nothing.

    Example:
        >>> first_line(ValueError("no map\\nnor anything")), first_line(MemoryError())
        ('no map', 'MemoryError')
    """
    return _lines(error)[0][:100]


def last_line(error: BaseException) -> str:
    """The last line of what an error says, where others hand on what was said to them first.

    Example:
        >>> last_line(ValueError("in a worker:\\nno map"))
        'no map'
    """
    return _lines(error)[-1]
