"""The notes on the page: adding, listing and removing them."""

from __future__ import annotations

import html
import logging
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import panel as pn

from copper_tf.apps.viewer import styles
from copper_tf.apps.viewer.cache import CachedMap
from copper_tf.apps.viewer.canvas import Canvas
from copper_tf.apps.viewer.notes import MAX_CHARACTERS, Note, NoteBook
from copper_tf.apps.web.styles import BUTTONS, FIELDS
from copper_tf.apps.web.widgets import button, row
from tfds_copper.errors import CopperError
from tfds_copper.files import DISK_FULL, is_disk_full

__all__ = ["NotesPanel"]

_LOG = logging.getLogger(__name__)


class NotesPanel:
    """The notes of the current picture.

    Args:
        notes: of all pictures but those of this page.
        own: of those.
        canvas: which marks them.
        on_change: called after a note was added or removed.

    Attributes:
        potency_map: the map of the picture, None while there is none.
        has_notes: whether there is a note on any picture.
        components: what the page shows, from top to bottom.
    """

    def __init__(self, notes: NoteBook, own: NoteBook, canvas: Canvas, on_change: Callable[[], None]) -> None:
        self._books, self._canvas, self._on_change, self.has_notes = (notes, own), canvas, on_change, False
        self._notes = notes
        self.map: CachedMap | None = None
        self._picture = ""
        self._position: tuple[float, float] | None = None
        self._add = pn.widgets.Toggle(name="Add a note", stylesheets=[BUTTONS], margin=0, sizing_mode="stretch_width")
        self._hint, self._error = styles.text(stretch=True, visible=False), styles.text(stretch=True, visible=False)
        self._text = pn.widgets.TextInput(
            placeholder="What is there?", max_length=MAX_CHARACTERS, stylesheets=[FIELDS], margin=0,
            sizing_mode="stretch_width",
        )  # fmt: skip
        self._text.param.watch(lambda _: self._save(), "enter_pressed")
        self._form = row(self._text, button("Save", self._save, "primary"), visible=False)
        self._list = pn.Column(margin=0, sizing_mode="stretch_width", styles={"gap": "4px"})
        self._add.param.watch(lambda _: self._toggled(), "value")
        self._hint.object = '<p class="muted small">Click the place on one of the pictures.</p>'
        self.components: list[Any] = [
            styles.text("<h2>Notes</h2>", stretch=True), self._add, self._hint, self._form, self._error, self._list
        ]  # fmt: skip

    def show_picture(self, picture: str, private: bool) -> None:
        """Shows the notes of another picture, of all pages or of this page alone."""
        self._notes = self._books[private]
        self._picture, self._add.value = picture, False
        self._close_form()

    def _toggled(self) -> None:
        if not self._add.value:
            self._close_form()
        self._hint.visible = bool(self._add.value)

    def _close_form(self) -> None:
        self._position, self._form.visible, self._error.visible, self._text.value = None, False, False, ""
        self._show()

    def set_position(self, x: float, y: float) -> None:
        """Takes the position of a new note, if the user is adding one."""
        if self._add.value:
            self._position, self._form.visible, self._hint.visible = (x, y), True, False
            self._show()

    def _save(self) -> None:
        if self._position is None:
            return
        x, y = self._position
        potency = math.nan if self.map is None else float(self.map.potency[int(y), int(x)])
        try:
            self._notes.add(self._picture, x, y, self._text.value_input or self._text.value, potency)
        except (CopperError, OSError) as error:
            self._show_error(error)
            return
        self._add.value = False
        self._on_change()

    def _remove(self, number: int) -> None:
        try:
            self._notes.remove(self._picture, number)
        except (CopperError, OSError) as error:
            self._show_error(error)
            return
        self._show()
        self._on_change()

    def _show_error(self, error: CopperError | OSError) -> None:
        """Says what went wrong, but not where this server keeps things."""
        text = str(error)
        for book in self._books:
            text = text.replace(str(book.file), book.file.name)
        if isinstance(error, OSError):
            _LOG.error("notes: %s", error)
            reason = DISK_FULL if is_disk_full(error) else "their folder can't be used"
            text = f"notes can't be kept: {reason}"
        self._error.object = f'<p class="warning">{html.escape(text)}</p>'
        self._error.visible = True

    def _show(self) -> None:
        try:
            every = [note for book in self._books for note in book.all()]
        except (CopperError, OSError) as error:
            self._show_error(error)
            every = []
        notes, self.has_notes = [note for note in every if note.picture == self._picture], bool(every)
        self._canvas.show_notes(notes, self._position)
        self._list[:] = [self._row(note) for note in notes]

    def _row(self, note: Note) -> pn.Row:
        potency = f' <span class="muted">potency {note.potency:.2f}</span>' if math.isfinite(note.potency) else ""
        content = f'<p class="note"><span class="number">{note.number}</span>{html.escape(note.text)}{potency}</p>'
        show = button("Go", partial(self._canvas.centre_on, note.x, note.y), "subtle", width=38)
        remove = button("✕", partial(self._remove, note.number), "subtle", width=32)
        return row(styles.text(content, stretch=True), show, remove, gap=2)
