"""The answers of a rater: who answers, and the state of each round."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import math
import os
import re
import secrets
import threading
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path

from copper_tf.analysis.blindtest.events import (
    Answered,
    Event,
    Practised,
    Registered,
    RoundEvent,
    RoundStarted,
    RoundSubmitted,
    Viewed,
    append_event,
    read_events,
)
from copper_tf.analysis.blindtest.folder import BlindTest
from tfds_copper.errors import InputError, SettingError

__all__ = ["ANSWERS", "AnswerLog", "RoundState", "WrongCodeError", "clean_name", "rater_logs"]

ANSWERS = "answers"
_MAX_NAME = 60
_CODE_DIGITS = 6
# Reading a round and appending to it is one step for every page of this server.
_LOCK = threading.RLock()


class WrongCodeError(InputError):
    """The code isn't that of the rater."""


@dataclasses.dataclass(frozen=True)
class RoundState:
    """What one rater has done in one round.

    Attributes:
        started: whether the rater began it.
        submitted: whether it is closed: nothing changes any more.
        answers: rank of t by number of the picture.
        seconds: for which each picture was shown until its last answer, without pauses.
        changes: how often an answer was replaced.
    """

    started: bool
    submitted: bool
    answers: dict[int, int]
    seconds: dict[int, float]
    changes: dict[int, int]

    @classmethod
    def replay(cls, events: Iterable[Event]) -> RoundState:
        """The state after the events of one round."""
        started = submitted = False
        answers, seconds, changes = dict[int, int](), dict[int, float](), dict[int, int]()
        viewed = dict[int, float]()
        for event in events:
            started = started or isinstance(event, RoundStarted)
            submitted = submitted or isinstance(event, RoundSubmitted)
            if isinstance(event, Viewed):
                # Time without an answer counts only once an answer follows.
                viewed[event.picture] = viewed.get(event.picture, 0.0) + event.seconds
            if isinstance(event, Answered):
                changes[event.picture] = changes.get(event.picture, -1) + 1
                answers[event.picture] = event.label
                seconds[event.picture] = viewed[event.picture]
        return cls(started, submitted, answers, seconds, changes)


def clean_name(name: str) -> str:
    """A rater's name as it is stored and shown.

    Args:
        name: as typed.

    Raises:
        SettingError: if it is empty, too long, unprintable, or begins like a formula of a spreadsheet.

    Example:
        >>> clean_name("  Anna   K. ")
        'Anna K.'
    """
    text = " ".join(unicodedata.normalize("NFKC", name).split())
    # A spreadsheet that opens the table of answers would run what begins like a formula.
    if not 0 < len(text) <= _MAX_NAME or not text.isprintable() or text[0] in "=+-@":
        raise SettingError(
            f"rater must be a name of 1 to {_MAX_NAME} letters that doesn't begin with =, +, - or @. "
            f"Received: {name[:80]!r}"
        )
    return text


def _file(test: BlindTest, name: str) -> Path:
    """No name can leave the folder, and no two names share a file."""
    digest = hashlib.sha256(name.casefold().encode()).hexdigest()[:10]
    readable = re.sub(r"[^a-z0-9]+", "-", name.casefold())[:30].strip("-")
    return test.path / ANSWERS / f"{readable}{'-' if readable else ''}{digest}.jsonl"


def _link(begun: Path, file: Path) -> None:
    """Gives a file its name, unless another has it."""
    try:
        os.link(begun, file)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if file.exists():
            raise FileExistsError from None
        begun.replace(file)


class AnswerLog:
    """The answers of one rater, read from the file at each use: what is shown is what is saved.

    Args:
        test: the test.
        file: of the rater.

    Raises:
        InputError: if it isn't a file of answers to this test, or damaged.
    """

    def __init__(self, test: BlindTest, file: Path) -> None:
        self.test, self.file = test, file
        first = next(iter(self._events()), None)
        if not isinstance(first, Registered) or first.ident != test.design.ident:
            raise InputError(f"{file}: must hold a rater's answers to this test. Received: something else")
        self.rater, self.code = first.rater, first.code
        for name in test.rounds:
            state = self.round(name)
            if state.submitted and len(state.answers) < test.pictures:
                raise InputError(
                    f"{file}: a submitted round must have an answer to each of {test.pictures} pictures. "
                    f"Received: {len(state.answers)}"
                )

    def _events(self) -> list[Event]:
        """All events, each of a picture and a label of this test."""
        events, labels = read_events(self.file), len(self.test.labels.times)
        for event in events:
            count = len(self.test.practice) if isinstance(event, Practised) else self.test.pictures
            label = event.label if isinstance(event, Answered | Practised) else 0
            picture = event.picture if isinstance(event, Viewed | Practised) else 0
            seconds = event.seconds if isinstance(event, Viewed) else 0.0
            if not (0 <= picture < count and 0 <= label < labels and 0 <= seconds < math.inf):
                raise InputError(f"{self.file}: must hold answers to this test. Received: {event}")
        return events

    @classmethod
    def exists(cls, test: BlindTest, name: str) -> bool:
        """Whether a rater of that name has registered; an empty file is what a full disk left of one who has not."""
        file = _file(test, clean_name(name))
        return file.is_file() and file.stat().st_size > 0

    @classmethod
    def register(cls, test: BlindTest, name: str) -> AnswerLog:
        """Registers a new rater, with a code that nobody else knows.

        Raises:
            InputError: if the name is taken.
            OSError: if nothing can be saved.
            SettingError: if it can't be a name.
        """
        rater = clean_name(name)
        file = _file(test, rater)
        file.parent.mkdir(mode=0o700, exist_ok=True)
        code = f"{secrets.randbelow(10**_CODE_DIGITS):0{_CODE_DIGITS}d}"
        # The name is taken once the first line is on the disk, and not before.
        begun = file.with_name(f".{secrets.token_hex(8)}")
        with _LOCK:
            try:
                append_event(begun, Registered(rater, code, test.design.ident))
                if not cls.exists(test, rater):
                    file.unlink(missing_ok=True)
                _link(begun, file)
            except FileExistsError:
                raise InputError(f"{rater}: another name is needed, this one is taken. Received: {name!r}") from None
            finally:
                begun.unlink(missing_ok=True)
        return cls(test, file)

    @classmethod
    def resume(cls, test: BlindTest, name: str, code: str) -> AnswerLog:
        """Opens the answers of a rater who comes back.

        Raises:
            InputError: if there is no such rater.
            WrongCodeError: if the code is wrong.
        """
        rater = clean_name(name)
        if not cls.exists(test, rater):
            raise InputError(f"{rater}: the name of a registered rater is needed. Received: an unknown name")
        log = cls(test, _file(test, rater))
        if not hmac.compare_digest(log.code.encode(), "".join(code.split()).encode()):
            raise WrongCodeError(f"{rater}: the code shown when this rater registered is needed. Received: another one")
        return log

    def round(self, name: str) -> RoundState:
        """The state of a round."""
        return RoundState.replay(e for e in self._events() if isinstance(e, RoundEvent) and e.round == name)

    def practice_answers(self) -> list[Practised]:
        """Every practice answer, in order."""
        return [e for e in self._events() if isinstance(e, Practised)]

    def practise(self, repetition: int, picture: int, label: int) -> None:
        """Saves a practice answer.

        Args:
            repetition: of the practice, from 1.
            picture: its number among the practice pictures.
            label: rank of t.
        """
        append_event(self.file, Practised(repetition, picture, label))

    def start(self, name: str) -> None:
        """Starts a round."""
        with _LOCK:
            if not self.round(name).started:
                append_event(self.file, RoundStarted(name))

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
            self._open_round(name)
            append_event(self.file, Answered(name, picture, round(seconds, 3), label))

    def view(self, name: str, picture: int, seconds: float) -> None:
        """Saves for how long a picture was shown without an answer."""
        with _LOCK:
            if not self.round(name).submitted:
                append_event(self.file, Viewed(name, picture, round(seconds, 3)))

    def submit(self, name: str) -> None:
        """Closes a round.

        Raises:
            SettingError: if pictures are without an answer, or it is closed already.
        """
        with _LOCK:
            missing = self.test.pictures - len(self._open_round(name).answers)
            if missing:
                raise SettingError(f"submit needs an answer to every picture. Received: {missing} without")
            append_event(self.file, RoundSubmitted(name))

    def _open_round(self, name: str) -> RoundState:
        state = self.round(name)
        if state.submitted:
            raise SettingError(f"answers can be changed until they are submitted. Received: a change {name}")
        return state


def rater_logs(test: BlindTest, on_damage: Callable[[InputError], None] | None = None) -> list[AnswerLog]:
    """The answers of every registered rater, by name.

    Args:
        test: the test.
        on_damage: called for each file that is damaged, which is left out.

    Raises:
        InputError: for the first damaged file, without ``on_damage``.
    """
    logs = []
    for file in sorted((test.path / ANSWERS).glob("*.jsonl")):
        try:
            if file.stat().st_size:
                logs.append(AnswerLog(test, file))
        except InputError as error:
            if on_damage is None:
                raise
            on_damage(error)
    return sorted(logs, key=lambda log: log.rater.casefold())
