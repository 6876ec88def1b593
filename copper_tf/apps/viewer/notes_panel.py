"""Notes on the page: pinning, listing, taking away."""

from __future__ import annotations

import html
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import panel as pn

from copper_tf.apps.viewer import styles
from copper_tf.apps.viewer.cache import Drawn
from copper_tf.apps.viewer.canvas import Canvas
from copper_tf.apps.viewer.notes import LONGEST, Note, NoteBook
from copper_tf.apps.viewer.widgets import button, row, text
from tfds_copper.errors import CopperError

__all__ = ["Pinning"]


class Pinning:
    """The notes of the picture that is shown.

    Args:
        notes: of all pictures.
        canvas: where they are pinned.
        changed: called when there is another note, or one less.

    Attributes:
        drawn: the map of the picture, None while there is none.
        any: whether there is a note on any picture.
        parts: what goes onto the page.
    """

    def __init__(self, notes: NoteBook, canvas: Canvas, changed: Callable[[], None]) -> None:
        self._notes, self._canvas, self._changed, self.any = notes, canvas, changed, False
        self.drawn: Drawn | None = None
        self._picture = ""
        self._place: tuple[float, float] | None = None
        self._pin = pn.widgets.Toggle(
            name="Pin a note", stylesheets=[styles.BUTTONS], margin=0, sizing_mode="stretch_width"
        )
        self._hint, self._problem = text(stretch=True, visible=False), text(stretch=True, visible=False)
        self._text = pn.widgets.TextInput(
            placeholder="What is there?", max_length=LONGEST, stylesheets=[styles.FIELDS], margin=0,
            sizing_mode="stretch_width",
        )  # fmt: skip
        self._text.param.watch(lambda _: self._save(), "enter_pressed")
        self._form = row(self._text, button("Save", self._save, "main"), visible=False)
        self._list = pn.Column(margin=0, sizing_mode="stretch_width", styles={"gap": "4px"})
        self._pin.param.watch(lambda _: self._toggled(), "value")
        self._hint.object = '<p class="soft small">Click the place on a picture.</p>'
        self.parts: list[Any] = [
            text("<h2>Notes</h2>", stretch=True), self._pin, self._hint, self._form, self._problem, self._list
        ]  # fmt: skip

    def turn(self, picture: str) -> None:
        """Shows the notes of another picture."""
        self._picture, self._pin.value = picture, False
        self._forget()

    def _toggled(self) -> None:
        if not self._pin.value:
            self._forget()
        self._hint.visible = bool(self._pin.value)

    def _forget(self) -> None:
        self._place, self._form.visible, self._problem.visible, self._text.value = None, False, False, ""
        self._show()

    def place(self, x: float, y: float) -> None:
        """Takes a place for a new note, where one is wanted."""
        if self._pin.value:
            self._place, self._form.visible, self._hint.visible = (x, y), True, False
            self._show()

    def _save(self) -> None:
        if self._place is None:
            return
        x, y = self._place
        potency = math.nan if self.drawn is None else float(self.drawn.potency[int(y), int(x)])
        try:
            self._notes.add(self._picture, x, y, self._text.value_input or self._text.value, potency)
        except CopperError as error:
            self._complain(error)
            return
        self._pin.value = False
        self._changed()

    def _remove(self, number: int) -> None:
        try:
            self._notes.remove(self._picture, number)
        except CopperError as error:
            self._complain(error)
            return
        self._show()
        self._changed()

    def _complain(self, error: Exception) -> None:
        self._problem.object = f'<p class="warn">{html.escape(str(error))}</p>'
        self._problem.visible = True

    def _show(self) -> None:
        try:
            known = self._notes.all()
        except CopperError as error:
            self._complain(error)
            known = []
        notes, self.any = [note for note in known if note.picture == self._picture], bool(known)
        self._canvas.pin(notes, self._place)
        self._list[:] = [self._line(note) for note in notes]

    def _line(self, note: Note) -> pn.Row:
        known = f' <span class="soft">potency {note.potency:.2f}</span>' if math.isfinite(note.potency) else ""
        line = f'<p class="note"><span class="pin">{note.number}</span>{html.escape(note.text)}{known}</p>'
        show = button("Go", partial(self._canvas.go, note.x, note.y), "plain", width=38)
        remove = button("✕", partial(self._remove, note.number), "plain", width=32)
        return row(text(line, stretch=True), show, remove, gap=2)
