"""Notes at points of pictures: saved at once, and shared by all pages."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import math
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import fasteners

from tfds_copper.errors import InputError, RunError, SettingError
from tfds_copper.results import Result

__all__ = ["MAX_CHARACTERS", "Note", "NoteBook", "Notes", "private_notes"]

# Limits of a note and of a file.
MAX_CHARACTERS = 1000
MAX_NOTES = 10_000
_LOCK = ".notes.lock"


@dataclasses.dataclass(frozen=True)
class Note:
    """A note.

    Attributes:
        picture: the name of the picture.
        number: from 1 within its picture; not reused while a later note exists.
        x: column in px.
        y: row in px.
        text: of the note.
        potency: of the map at that point; NaN where there was none.
        created: date and time in UTC, ISO 8601.
    """

    picture: str
    number: int
    x: float
    y: float
    text: str
    potency: float
    created: str


@dataclasses.dataclass(frozen=True)
class Notes(Result):
    """The notes of a folder of pictures, as they are written.

    Attributes:
        notes: all of them, in the order in which they were made.
    """

    FORMAT: ClassVar[str] = "copper-notes 1"

    notes: tuple[Note, ...]


class NoteBook:
    """The notes of a folder of pictures; several servers may write them at once.

    Args:
        file: a JSON file, created with the first note.

    Raises:
        InputError: if the file exists and is damaged.
    """

    def __init__(self, file: Path) -> None:
        self.file, self._lock = file, threading.Lock()
        self._read()

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Reading, changing and writing is one step for every page and every server."""
        with self._lock, fasteners.InterProcessLock(self.file.with_name(_LOCK)):
            yield

    def _read(self) -> tuple[Note, ...]:
        # Read again each time: another server, or an editor, may have changed the file.
        if not self.file.is_file():
            return ()
        try:
            return Notes.read(self.file).notes
        except RunError as error:
            reason = str(error).rpartition("Received: ")[2]
            raise InputError(f"{self.file}: must be notes of `copper view`. Received: {reason}") from None

    def all(self) -> list[Note]:
        """All notes, by picture and number."""
        return sorted(self._read(), key=lambda note: (note.picture, note.number))

    def of(self, picture: str) -> list[Note]:
        """The notes of one picture, by number."""
        return [note for note in self.all() if note.picture == picture]

    def add(self, picture: str, x: float, y: float, text: str, potency: float = math.nan) -> Note:
        """Saves a new note and returns it.

        Args:
            picture: the name of the picture.
            x: column in px.
            y: row in px.
            text: of the note.
            potency: of the map at that point.

        Raises:
            SettingError: if the text is empty or too long, or there are too many notes.
        """
        text = text.strip()
        if not 0 < len(text) <= MAX_CHARACTERS:
            raise SettingError(f"a note must have 1 to {MAX_CHARACTERS} characters. Received: {len(text)}")
        with self._alone():
            notes = self._read()
            if len(notes) >= MAX_NOTES:
                raise SettingError(f"{self.file}: must hold at most {MAX_NOTES} notes. Received: one more")
            number = 1 + max((note.number for note in notes if note.picture == picture), default=0)
            now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
            made = Note(picture, number, round(x, 1), round(y, 1), text, potency, now)
            Notes((*notes, made)).write(self.file)
        return made

    def remove(self, picture: str, number: int) -> None:
        """Removes a note, if it exists."""
        with self._alone():
            notes = self._read()
            kept = tuple(note for note in notes if (note.picture, note.number) != (picture, number))
            Notes(kept).write(self.file)


def private_notes(folder: Path) -> NoteBook:
    """The notes on the pictures that one page alone shows, which go when it goes.

    Args:
        folder: of the page.
    """
    return NoteBook(folder / "notes.json")
