"""What stands before and behind a number in a name: a unit of time, a unit of something else, or words."""

from __future__ import annotations

import dataclasses
import re

from tfds_copper.folder.numbers import HYPHENS, MINUS
from tfds_copper.folder.units import (
    AMBIGUOUS,
    FILLERS,
    LIMITS,
    NOT_TIMES,
    ORDINALS,
    THINGS,
    TIME_WORDS,
    WORDS,
    script,
)

__all__ = ["Before", "Behind", "look_before", "look_behind"]

_ALPHABETS = ("LATIN", "CYRILLIC", "GREEK")
_WITHOUT_SPACES = ("CJK", "HANGUL", "HIRAGANA", "KATAKANA")
_SIGNS = re.compile(r"°[CFK](?![a-z])|[°%‰×]")
_GAP = re.compile(rf"[{HYPHENS}\s_]*")
_CAMEL = re.compile(r"[^\W\d_](?:(?![A-ZÄÖÜ])[^\W\d_])+|[A-ZÄÖÜ]+(?![^\W\d_])|[A-ZÄÖÜ]+(?=[A-ZÄÖÜ])|[^\W\d_]")
# Behind 分, 日, 분 and other units of one character these go on about a time; others make another word, as in 分析.
_GOES_ON = re.compile(
    r"[後后间間浸経经經過过處处処腐蚀蝕刻加保照暴露放老时化反鍍镀電电洗水試试样樣品半目番前以超弱強强未毎每ァ-ヶ]"
    r"|左右|たっ|ご|かん|째|차|전|후|이|미만|초과|마다|동안|간|침지|처리|에칭|부식|경과|노출|반"
)
_HALF = re.compile(r"\s*[半반](?=[後后후]|[^가-힣\u4e00-\u9fff]|$)")
_SPELLED_OUT = re.compile(r"[一二三四五六七八九十百两兩]+(?:[分秒時时小日天个個]|钟|鐘)")
_FIRST_OF_PAIR = re.compile(r"[個个](半?)")
# Units that are other things where they stand before a number: dia 3, lat 5.
_UNSURE_BEFORE = frozenset(("dia", "ora", "ore", "lat", "mes", "ans", "anos", "ano", "mos"))
_NEGATIVE_WORDS = frozenset(("minus", "before", "pre", "vor", "avant", "under", "over", "max"))


@dataclasses.dataclass(frozen=True)
class Behind:
    """What stands behind a number.

    Args:
        unit: of time; empty where none was found.
        half: whether a half is added, as in ``2時間半``.
        end: the length of what was read.
        other: what else the number counts, as ``a voltage``.
        unclear: why it can't be told what the number is; empty where it can.
        word: a word that is not understood.
        glued: whether that word follows without a gap.
    """

    unit: str = ""
    half: bool = False
    end: int = 0
    other: str = ""
    unclear: str = ""
    word: str = ""
    glued: bool = False


@dataclasses.dataclass(frozen=True)
class Before:
    """What stands before a number.

    Args:
        unit: of time, as in ``min30``; empty where none was found.
        other: what else the number counts, as ``the number of a sample``.
        unclear: why it can't be told what the number is.
        negative: whether a minus stands before it.
        is_time: whether a word says that the number is a stress time, as in ``t03``.
        word: a word that is not understood.
    """

    unit: str = ""
    other: str = ""
    unclear: str = ""
    negative: bool = False
    is_time: bool = False
    word: str = ""


def _run(text: str) -> str:
    """The letters of one script at the start of a text; Japanese mixes three."""
    if not text:
        return ""
    kind, end = script(text[0]), 0
    alike = _WITHOUT_SPACES if kind in _WITHOUT_SPACES else (kind,)
    while end < len(text) and kind and script(text[end]) in alike:
        end += 1
    return text[:end]


def _longest(text: str, words: dict[str, str]) -> str:
    return max((w for w in words if text.startswith(w)), key=len, default="")


def _limited(rest: str) -> str:
    """What makes an ordinal or a limit of the time before it; empty where nothing does."""
    tail = rest.lstrip(" _-.)")
    if spelled := _SPELLED_OUT.match(tail):
        return spelled[0]
    found = next((w for w in (*ORDINALS, *LIMITS) if not w.isascii() and tail.startswith(w)), "")
    word = _run(tail).casefold()
    return found or (word if word in LIMITS else "")


def _of_unit(text: str, word: str, start: int, half: bool = False) -> Behind:
    end = start + len(word)
    if not half and (halved := _HALF.match(text, end)):
        half, end = True, halved.end()
    elif text[end : end + 1] in ("半", "반") and not text.startswith("반응", end):
        return Behind(unclear="half of a time or another word")
    if text.startswith("^", end):
        return Behind(unclear="a power or fraction")
    if limit := _limited(text[end:]):
        return Behind(unclear=f"a limit or an ordinal because of {limit!r}")
    return Behind(unit=WORDS[word.casefold()], half=half, end=end)


def _alphabetic(text: str, start: int) -> Behind:
    run = _run(text[start:])
    if script(run[0]) == "GREEK":  # μm
        run += _run(text[start + len(run) :])
    first = _CAMEL.findall(run)[0]
    # 03_A is no current.
    parted = any(sign in text[:start] for sign in "_" + HYPHENS)
    for word in (run, first):
        if word in NOT_TIMES and not (parted and len(word) == 1):
            return Behind(other=NOT_TIMES[word], end=start + len(word))
        if word in AMBIGUOUS:
            return Behind(unclear=AMBIGUOUS[word])
        if word.casefold() in WORDS:
            return _of_unit(text, word, start)
    folded = run.casefold()
    for cut in range(len(run) - 3, 0, -1):
        # A single letter and a short word make another word, such as hold.
        if folded[:cut] in WORDS and folded[cut:] in FILLERS and (cut > 1 or len(run) > 4):
            return _of_unit(text, run[:cut], start)
    if folded in FILLERS or first.casefold() in FILLERS:
        return Behind(end=start)
    return Behind(word=run, glued=start == 0)


def _unspaced(text: str, start: int) -> Behind:
    tail, half = text[start:], False
    if (pair := _FIRST_OF_PAIR.match(tail)) and pair[1] and _longest(tail[2:], WORDS):
        tail, start, half = tail[2:], start + 2, True
    word = _longest(tail, WORDS)
    other, unclear = _longest(tail, NOT_TIMES), _longest(tail, AMBIGUOUS)
    if word and len(word) > max(len(other), len(unclear)):
        after = tail[len(word) :]
        if len(word) > 1 or script(after[:1]) not in _WITHOUT_SPACES or _GOES_ON.match(after):
            return _of_unit(text, word, start, half)
        return Behind(unclear=f"part of the word {_run(tail)!r}")
    if unclear:
        return Behind(unclear=AMBIGUOUS[unclear])
    if other:
        return Behind(other=NOT_TIMES[other], end=start + len(other))
    return Behind(word=_run(tail), glued=start == 0)


def look_behind(text: str) -> Behind:
    """Reads what follows a number, up to the end of its unit.

    Args:
        text: all that stands behind the number, as `plain_text` gives it.
    """
    if text[:1] == "^":
        return Behind(unclear="a power or fraction")
    if text[:1] in tuple("'\"′″’”"):
        return Behind(unclear="minutes or seconds, feet or inches")
    if sign := _SIGNS.match(text.lstrip()):
        return Behind(other=NOT_TIMES["%" if sign[0] in "%‰" else "°C" if sign[0] != "×" else "×"], end=sign.end())
    if dotted := re.match(r"\.[\s_]*", text):
        after = look_behind(text[dotted.end() :])
        return Behind(unclear="an ordinal, as in '3. day'") if after.unit or after.unclear else after
    gap = _GAP.match(text)
    start = gap.end() if gap else 0
    kind = script(text[start : start + 1])
    if not kind:
        return Behind(end=start)
    letters = len(_run(text[start:]))
    if start and text[start + letters : start + letters + 1].isdecimal():
        return Behind(end=start)  # the word belongs to the number behind it
    if kind in _ALPHABETS:
        return _alphabetic(text, start)
    if kind in _WITHOUT_SPACES:
        return _unspaced(text, start)
    return Behind(word=_run(text[start:]), glued=start == 0)


def _negative(head: str) -> bool:
    """Whether a minus stands before a number: any true minus sign, or a hyphen that joins it to nothing."""
    bare = head.rstrip()
    if bare[-1:] and bare[-1] in MINUS:
        return True
    joined = head.rstrip(HYPHENS + "ー")
    if joined == head:
        return False
    dash = head[len(joined) :]
    if "ー" in dash and script(joined[-1:]) in ("KATAKANA", "HIRAGANA"):
        return False
    return not joined or joined[-1] in " _=([{,:;~"


def _last_word(head: str) -> tuple[str, bool]:
    """The word before a number, and whether the number follows it without a gap."""
    trimmed = re.sub(r"[\s_\-=.:]*$", "", head)
    run = _run(trimmed[::-1])[::-1]
    if script(run[-1:]) in _ALPHABETS:
        run = _CAMEL.findall(run)[-1] if run.casefold() not in {*WORDS, *THINGS} else run
    return run, len(trimmed) == len(head)


def look_before(head: str) -> Before:
    """Reads what stands before a number.

    Args:
        head: all that stands before the number, as `plain_text` gives it.
    """
    if _negative(head):
        return Before(negative=True)
    if re.search(r"[<>≤≥≦≧±^/]\s*$", head):
        return Before(unclear=f"a limit, a power or a part because of {head.rstrip()[-1]!r}")
    if sign := re.search(r"(#|×|n°)\s*$", head):
        return Before(other=THINGS[sign[1]])
    word, glued = _last_word(head)
    folded = word.casefold()
    if word.endswith("第"):
        return Before(unclear="an ordinal because of '第'")
    if folded in _NEGATIVE_WORDS:
        return Before(unclear=f"a limit or a time below 0 because of {word!r}")
    if folded in WORDS and script(word[-1]) in _ALPHABETS:
        if (len(word) > 1 and folded not in _UNSURE_BEFORE) or (word == "h" and glued):
            return Before(unit=WORDS[folded])
        if folded not in THINGS:
            return Before(unclear=f"a time in {WORDS[folded]} or a running number")
    if script(word[-1:]) in _WITHOUT_SPACES:
        if any(word.endswith(unit) for unit in WORDS):
            return Before(unclear=f"a time because of {word!r}")
        thing = next((THINGS[thing] for thing in THINGS if word.endswith(thing)), "")
        return Before(other=thing, word="" if thing else word)
    if folded in THINGS or (len(word) > 1 and word in NOT_TIMES and folded not in FILLERS):
        return Before(other=THINGS.get(folded) or NOT_TIMES[word])
    return Before(is_time=folded in TIME_WORDS, word="" if folded in TIME_WORDS or folded in FILLERS else word)
