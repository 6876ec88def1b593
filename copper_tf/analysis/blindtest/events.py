"""What raters do, event by event: one JSON object per line, appended the moment it happens."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import errno
import json
import os
import threading
from pathlib import Path
from typing import Any, ClassVar

import cattrs

from tfds_copper.errors import InputError
from tfds_copper.files import parsed_json

__all__ = [
    "Answered",
    "Event",
    "Practised",
    "Registered",
    "RoundEvent",
    "RoundStarted",
    "RoundSubmitted",
    "Viewed",
    "append_event",
    "read_events",
]

# Two pages of one rater must not write at the same time.
_LOCK = threading.RLock()


@dataclasses.dataclass(frozen=True)
class Event:
    """Base of the events; each is written under its `NAME`, with the time in UTC."""

    NAME: ClassVar[str]


@dataclasses.dataclass(frozen=True)
class Registered(Event):
    """A rater registered; the first event of a file.

    Attributes:
        rater: name.
        code: with which the rater resumes.
        ident: of the test.
    """

    NAME: ClassVar[str] = "registered"

    rater: str
    code: str
    ident: str


@dataclasses.dataclass(frozen=True)
class Practised(Event):
    """A practice picture was answered.

    Attributes:
        repetition: of the practice, from 1.
        picture: its number among the practice pictures.
        label: rank of t.
    """

    NAME: ClassVar[str] = "practised"

    repetition: int
    picture: int
    label: int


@dataclasses.dataclass(frozen=True)
class RoundEvent(Event):
    """Base of the events of a round.

    Attributes:
        round: its name.
    """

    round: str


@dataclasses.dataclass(frozen=True)
class RoundStarted(RoundEvent):
    """A round began."""

    NAME: ClassVar[str] = "round started"


@dataclasses.dataclass(frozen=True)
class Viewed(RoundEvent):
    """A picture was shown for a while.

    Attributes:
        picture: its number in the test.
        seconds: for which it was shown.
    """

    NAME: ClassVar[str] = "viewed"

    picture: int
    seconds: float


@dataclasses.dataclass(frozen=True)
class Answered(Viewed):
    """A picture was answered, for the first time or again.

    Attributes:
        label: rank of t.
    """

    NAME: ClassVar[str] = "answered"

    label: int


@dataclasses.dataclass(frozen=True)
class RoundSubmitted(RoundEvent):
    """A round was submitted: nothing changes any more."""

    NAME: ClassVar[str] = "round submitted"


_KINDS: dict[str, type[Event]] = {
    kind.NAME: kind for kind in (Registered, Practised, RoundStarted, Viewed, Answered, RoundSubmitted)
}


def _parse(line: str) -> Event | None:
    """The event of a line; None for a line that a killed server left unfinished."""
    try:
        values: Any = parsed_json(line)
    except ValueError:
        return None
    return cattrs.structure(values, _KINDS[values["event"]])


def read_events(file: Path) -> list[Event]:
    """All complete events of a file, in order.

    Args:
        file: a file of `append_event`.

    Raises:
        InputError: if the file can't be read, or a line is whole and no event.
    """
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise InputError(f"{file}: must be a file that can be read. Received: {error.strerror}") from None
    events = []
    for number, line in enumerate(lines, start=1):
        try:
            events.append(_parse(line))
        except (LookupError, TypeError, ValueError, ArithmeticError, cattrs.BaseValidationError):
            raise InputError(
                f"{file}: line {number} must be an event of a blind test. Received: {line[:60]!r}"
            ) from None
    return [event for event in events if event is not None]


def _open_private(path: str, flags: int) -> int:
    """Makes a file that other users of this machine can't read: it holds the rater's code."""
    return os.open(path, flags, 0o600)


def append_event(file: Path, event: Event) -> None:
    """Appends an event and returns once it is on the disk: a killed server loses no answer.

    Args:
        file: of the rater.
        event: to append.

    Raises:
        OSError: if it can't be saved; the file is as it was then.
    """
    at = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
    values = {"event": event.NAME, **dataclasses.asdict(event), "at": at}
    line = json.dumps(values, ensure_ascii=False).encode() + b"\n"
    with _LOCK, open(file, "a+b", buffering=0, opener=_open_private) as stream:
        size = stream.seek(0, os.SEEK_END)
        if size:
            stream.seek(-1, os.SEEK_END)
            # An unfinished line is left alone; the event goes onto a new one.
            line = line if stream.read(1) == b"\n" else b"\n" + line
        try:
            if stream.write(line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(stream.fileno())
        except OSError:
            # What isn't acknowledged isn't there either.
            with contextlib.suppress(OSError):
                stream.truncate(size)
            raise
