"""What raters answer: one file each, to which every event is added as a line the moment it happens."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
import hmac
import json
import os
import re
import secrets
import threading
import unicodedata
from pathlib import Path
from typing import Any

from copper_tf.analysis.blindtest.folder import BlindTest
from tfds_copper.errors import InputError, SettingError

__all__ = ["ANSWERS", "AnswerBook", "Round", "clean_name", "raters"]

ANSWERS = "answers"
_LONGEST_NAME = 60
_CODE_DIGITS = 6
# Two pages of one rater must not write at once.
_LOCK = threading.RLock()


@dataclasses.dataclass
class Round:
    """What one rater has done in one round.

    Attributes:
        started: whether it was begun.
        submitted: whether it is closed: nothing changes any more.
        answers: rank of t by number of the picture.
        seconds: time for which each picture was shown until its last answer, pauses left out.
        changes: how often an answer was replaced by another.
    """

    started: bool = False
    submitted: bool = False
    answers: dict[int, int] = dataclasses.field(default_factory=dict)
    seconds: dict[int, float] = dataclasses.field(default_factory=dict)
    changes: dict[int, int] = dataclasses.field(default_factory=dict)
    _looked: dict[int, float] = dataclasses.field(default_factory=dict)

    def add(self, event: dict[str, Any]) -> None:
        """Takes in one event of this round."""
        kind = event["event"]
        self.started = self.started or kind == "started"
        self.submitted = self.submitted or kind == "submitted"
        if kind not in ("answered", "looked"):
            return
        picture = int(event["picture"])
        # A look without an answer counts only once an answer follows it.
        self._looked[picture] = self._looked.get(picture, 0.0) + float(event["seconds"])
        if kind == "answered":
            self.changes[picture] = self.changes.get(picture, -1) + 1
            self.answers[picture] = int(event["label"])
            self.seconds[picture] = self._looked[picture]


def clean_name(name: str) -> str:
    """A rater's name as it is kept and shown.

    Raises:
        SettingError: if there is nothing in it, too much, or what can't be printed.
    """
    text = " ".join(unicodedata.normalize("NFKC", name).split())
    # What begins like a formula is one to the program that opens the table of answers.
    if not 0 < len(text) <= _LONGEST_NAME or not text.isprintable() or text[0] in "=+-@":
        raise SettingError(
            f"rater must be a name of 1 to {_LONGEST_NAME} letters that doesn't begin with =, +, - or @. "
            f"Received: {name[:80]!r}"
        )
    return text


def _file(test: BlindTest, name: str) -> Path:
    """No name can leave the folder, and no two names share a file."""
    own = hashlib.sha256(name.casefold().encode()).hexdigest()[:10]
    plain = re.sub(r"[^a-z0-9]+", "-", name.casefold())[:30].strip("-")
    return test.path / ANSWERS / f"{plain}{'-' if plain else ''}{own}.jsonl"


def _events(file: Path) -> list[dict[str, Any]]:
    """All whole lines; one that a killed server left half written is skipped."""
    found = []
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict) and "event" in event:
            found.append(event)
    return found


class AnswerBook:
    """The answers of one rater, read from the file at each use: what is shown is what is saved.

    Args:
        test: the test.
        file: of the rater.

    Raises:
        InputError: if it isn't a file of answers of this test.
    """

    def __init__(self, test: BlindTest, file: Path) -> None:
        self.test, self.file = test, file
        first = next(iter(_events(file)), {})
        if first.get("event") != "joined" or first.get("ident") != test.ident:
            raise InputError(f"{file}: must hold a rater's answers to this test. Received: something else")
        self.rater, self.code = str(first["rater"]), str(first["code"])

    @classmethod
    def known(cls, test: BlindTest, name: str) -> bool:
        """Whether a rater of that name has begun."""
        return _file(test, clean_name(name)).is_file()

    @classmethod
    def enrol(cls, test: BlindTest, name: str) -> AnswerBook:
        """Opens the book of a new rater, with a code that nobody else knows.

        Raises:
            InputError: if there is a rater of that name already.
            SettingError: if the name can't be one.
        """
        rater = clean_name(name)
        file = _file(test, rater)
        file.parent.mkdir(exist_ok=True)
        code = f"{secrets.randbelow(10**_CODE_DIGITS):0{_CODE_DIGITS}d}"
        try:
            file.touch(exist_ok=False)
        except FileExistsError:
            raise InputError(f"{rater}: another name is needed, this one is taken. Received: {name!r}") from None
        _append(file, {"event": "joined", "rater": rater, "code": code, "ident": test.ident})
        return cls(test, file)

    @classmethod
    def resume(cls, test: BlindTest, name: str, code: str) -> AnswerBook:
        """Opens the book of a rater who was here before.

        Raises:
            InputError: if there is no such rater, or the code is another's.
        """
        rater = clean_name(name)
        if not cls.known(test, rater):
            raise InputError(f"{rater}: a rater who has begun is needed. Received: an unknown name")
        book = cls(test, _file(test, rater))
        if not hmac.compare_digest(book.code.encode(), "".join(code.split()).encode()):
            raise InputError(f"{rater}: the code shown when this rater began is needed. Received: another one")
        return book

    def round(self, name: str) -> Round:
        """What is saved of a round."""
        found = Round()
        for event in _events(self.file):
            if event.get("round") == name:
                found.add(event)
        return found

    def practised(self) -> list[dict[str, Any]]:
        """Every practice answer: ``turn``, ``picture``, ``label``."""
        return [e for e in _events(self.file) if e["event"] == "practised"]

    def practise(self, turn: int, picture: int, label: int) -> None:
        """Saves a practice answer."""
        _append(self.file, {"event": "practised", "turn": turn, "picture": picture, "label": label})

    def start(self, name: str) -> None:
        """Begins a round."""
        with _LOCK:
            if not self.round(name).started:
                _append(self.file, {"event": "started", "round": name})

    def answer(self, name: str, picture: int, label: int, seconds: float) -> None:
        """Saves an answer.

        Args:
            name: of the round.
            picture: its number in the test.
            label: rank of t.
            seconds: for which the picture was shown since the last event.

        Raises:
            SettingError: if the round is submitted, or there is no such picture or label.
        """
        if not (0 <= picture < self.test.pictures and 0 <= label < len(self.test.labels.times)):
            raise SettingError(f"answer must be a label of a picture of this test. Received: {label} of {picture}")
        with _LOCK:
            self._open(name)
            event = {"event": "answered", "round": name, "picture": picture, "label": label}
            _append(self.file, event | {"seconds": round(seconds, 3)})

    def look(self, name: str, picture: int, seconds: float) -> None:
        """Saves for how long a picture was looked at without an answer."""
        with _LOCK:
            if not self.round(name).submitted:
                event = {"event": "looked", "round": name, "picture": picture, "seconds": round(seconds, 3)}
                _append(self.file, event)

    def submit(self, name: str) -> None:
        """Closes a round.

        Raises:
            SettingError: if pictures are without an answer, or it is closed already.
        """
        with _LOCK:
            missing = self.test.pictures - len(self._open(name).answers)
            if missing:
                raise SettingError(f"submit needs an answer to every picture. Received: {missing} without")
            _append(self.file, {"event": "submitted", "round": name})

    def _open(self, name: str) -> Round:
        found = self.round(name)
        if found.submitted:
            raise SettingError(f"answers can be changed until they are submitted. Received: a change {name}")
        return found


def _append(file: Path, event: dict[str, Any]) -> None:
    """Adds one line and sees it on the disk before it returns: a killed server loses nothing that was answered."""
    event = {**event, "at": datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")}
    line = json.dumps(event, ensure_ascii=False).encode() + b"\n"
    with _LOCK, file.open("a+b") as stream:
        if stream.seek(0, os.SEEK_END):
            stream.seek(-1, os.SEEK_END)
            # After a line that was cut short a new one begins.
            line = line if stream.read(1) == b"\n" else b"\n" + line
        stream.write(line)
        stream.flush()
        os.fsync(stream.fileno())


def raters(test: BlindTest) -> list[AnswerBook]:
    """The books of all who have begun, by name."""
    found = [AnswerBook(test, file) for file in sorted((test.path / ANSWERS).glob("*.jsonl")) if file.stat().st_size]
    return sorted(found, key=lambda book: book.rater.casefold())
