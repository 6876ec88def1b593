"""What raters do, event by event: one JSON object per line, appended the moment it happens."""

from __future__ import annotations

import dataclasses
import datetime
import json
import os
import threading
from pathlib import Path
from typing import Any, ClassVar

import cattrs

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
        return cattrs.structure(values, _KINDS[values["event"]])
    except (ValueError, KeyError, TypeError, cattrs.BaseValidationError):
        return None


def read_events(file: Path) -> list[Event]:
    """All complete events of a file, in order.

    Args:
        file: a file of `append_event`.
    """
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    return [event for event in map(_parse, lines) if event is not None]


def append_event(file: Path, event: Event) -> None:
    """Appends an event and returns once it is on the disk: a killed server loses no answer.

    Args:
        file: of the rater.
        event: to append.
    """
    at = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
    values = {"event": event.NAME, **dataclasses.asdict(event), "at": at}
    line = json.dumps(values, ensure_ascii=False).encode() + b"\n"
    with _LOCK, file.open("a+b") as stream:
        if stream.seek(0, os.SEEK_END):
            stream.seek(-1, os.SEEK_END)
            # An unfinished line is left alone; the event goes onto a new one.
            line = line if stream.read(1) == b"\n" else b"\n" + line
        stream.write(line)
        stream.flush()
        os.fsync(stream.fileno())
