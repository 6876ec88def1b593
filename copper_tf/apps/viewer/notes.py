"""Notes pinned to places on pictures: saved at once, shared by all who look."""

from __future__ import annotations

import dataclasses
import datetime
import json
import math
import threading
from pathlib import Path
from typing import Any

from tfds_copper.errors import InputError, SettingError
from tfds_copper.files import write_json

__all__ = ["FORMAT", "LONGEST", "Note", "NoteBook"]

FORMAT = "copper-tf notes 1"
# Most characters of a note, and most notes of a file.
LONGEST = 1000
MOST = 10_000


@dataclasses.dataclass(frozen=True)
class Note:
    """A note.

    Attributes:
        picture: the name of the picture.
        number: from 1 within its picture; never given again while a later one is there.
        x: column in px.
        y: row in px.
        text: what was written.
        potency: of the map at that place; NaN where there was none.
        created: date and time in UTC, ISO 8601.
    """

    picture: str
    number: int
    x: float
    y: float
    text: str
    potency: float
    created: str

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Note:
        """A note as it stands in a file.

        Raises:
            KeyError, TypeError, ValueError: if it is no note.
        """
        potency = math.nan if values["potency"] is None else float(values["potency"])
        texts = {name: str(values[name]) for name in ("picture", "text", "created")}
        return cls(number=int(values["number"]), x=float(values["x"]), y=float(values["y"]), potency=potency, **texts)


class NoteBook:
    """The notes of a folder of pictures.

    Args:
        file: a JSON file; it is made with the first note.

    Raises:
        InputError: if the file is there and damaged.
    """

    def __init__(self, file: Path) -> None:
        self.file, self._lock = file, threading.Lock()
        self._read()

    def _read(self) -> list[Note]:
        # Read anew each time: a second server, or an editor, may have written since.
        if not self.file.is_file():
            return []
        try:
            known = json.loads(self.file.read_text(encoding="utf-8"))
            if known["format"] != FORMAT:
                raise ValueError(f"format {known['format']!r}")
            return [Note.from_dict(values) for values in known["notes"]]
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{self.file}: must be notes of `copper view`. Received: {error}") from None

    def _write(self, notes: list[Note]) -> None:
        write_json(self.file, {"format": FORMAT, "notes": [dataclasses.asdict(note) for note in notes]})

    def all(self) -> list[Note]:
        """All notes, by picture and number."""
        return sorted(self._read(), key=lambda note: (note.picture, note.number))

    def of(self, picture: str) -> list[Note]:
        """The notes of one picture, by number."""
        return [note for note in self.all() if note.picture == picture]

    def add(self, picture: str, x: float, y: float, text: str, potency: float = math.nan) -> Note:
        """Saves a note.

        Args:
            picture: the name of the picture.
            x: column in px.
            y: row in px.
            text: what to write.
            potency: of the map there.

        Raises:
            SettingError: if the text is empty or too long, or there are too many notes.
        """
        text = text.strip()
        if not 0 < len(text) <= LONGEST:
            raise SettingError(f"a note must have 1 to {LONGEST} characters. Received: {len(text)}")
        with self._lock:
            notes = self._read()
            if len(notes) >= MOST:
                raise SettingError(f"{self.file}: must hold at most {MOST} notes. Received: one more")
            number = 1 + max((note.number for note in notes if note.picture == picture), default=0)
            now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
            made = Note(picture, number, round(x, 1), round(y, 1), text, potency, now)
            self._write([*notes, made])
        return made

    def remove(self, picture: str, number: int) -> None:
        """Takes a note away, if it is there."""
        with self._lock:
            notes = self._read()
            self._write([note for note in notes if (note.picture, note.number) != (picture, number)])
