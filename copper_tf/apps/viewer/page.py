"""The page of the viewer: one for each window that opens it."""

from __future__ import annotations

import concurrent.futures
import html
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import panel as pn

from copper_tf.apps.viewer import messages, styles
from copper_tf.apps.viewer.cache import STEPS, Drawn, Plate
from copper_tf.apps.viewer.canvas import Canvas
from copper_tf.apps.viewer.components import Dropper, Frame, Thumbnails
from copper_tf.apps.viewer.library import Entry, Library, State
from copper_tf.apps.viewer.notes import NoteBook
from copper_tf.apps.viewer.notes_panel import Pinning
from copper_tf.apps.viewer.toolbar import BESIDE, Tools
from copper_tf.apps.viewer.uploads import MOST_BYTES, Uploads
from copper_tf.apps.viewer.widgets import button, row, text
from tfds_copper.errors import CopperError

__all__ = ["Page"]

# Milliseconds in which movements are gathered before the server answers them.
_GATHER = 30
# Px between the two figures.
_GAP = 12


class Page:
    """What one browser window sees; windows share pictures, maps and notes, and nothing else.

    Args:
        library: of the pictures.
        notes: of all of them.
        uploads: of this page alone.
        readers: the threads in which dropped pictures are read.
        about: what the map means and what every result of this model must say.

    Attributes:
        view: what the server shows.
    """

    def __init__(
        self,
        library: Library,
        notes: NoteBook,
        uploads: Uploads,
        readers: concurrent.futures.Executor,
        about: str,
    ) -> None:
        self._library, self._uploads, self._readers = library, uploads, readers
        self._document = pn.state.curdoc
        self._gathered: set[Callable[[], None]] = set()
        self._room = (1200, 600)
        self._entry: Entry | None = None
        self._plate: Plate | None = None
        self._drawn: Drawn | None = None
        self._canvas = Canvas(self._over, self._tapped, self._later)
        self._tools = Tools(self._arrange, self._paint, self._lay)
        self._pinning = Pinning(notes, self._canvas, self._paint)
        self._head, self._message = text(stretch=True), text(stretch=True, visible=False)
        self._cursor, self._ramp = text(stretch=True, css_classes=["cursor"]), text(align="center")
        self._busy = text(visible=False, align="center", css_classes=["busy"])
        self._files = text(stretch=True, css_classes=["files"])
        self._thumbs = Thumbnails(self._clicked, stylesheets=[styles.THUMBS], margin=0, sizing_mode="stretch_both")
        self._about = text(about, stretch=True)
        self._build()
        self._captions: dict[str, str] = {}
        self._show_thumbnails()
        self._end = library.listen(self._told)
        pn.state.on_session_destroyed(lambda _: self.close())
        if library.shown:
            self.select(library.shown[0])

    def _build(self) -> None:
        dropper = Dropper(self._dropped, self._too_large, MOST_BYTES, stylesheets=[styles.DROP], margin=0, height=80,
                          sizing_mode="stretch_width")  # fmt: skip
        side = pn.Column(
            self._thumbs, text("<h2>Add a micrograph</h2>", stretch=True), dropper, width=236, css_classes=["side"],
            stylesheets=[styles.PAGE], sizing_mode="stretch_height", margin=0, styles={"gap": "8px"},
        )  # fmt: skip
        self._pictures = pn.Row(
            *(pn.pane.Bokeh(drawn, sizing_mode="stretch_both", margin=0) for drawn in self._figures),
            Frame(self._resized), sizing_mode="stretch_both", margin=0, styles={"gap": f"{_GAP}px"},
        )  # fmt: skip
        zooms: list[tuple[str, Callable[[], None]]] = [
            ("Fit", self._canvas.fit),
            ("1:1", partial(self._canvas.scale, 1.0)),
        ]
        zooms += [("−", partial(self._canvas.zoom, 0.5)), ("+", partial(self._canvas.zoom, 2.0))]
        bar = row(*(button(name, call) for name, call in zooms), self._busy, pn.Spacer(sizing_mode="stretch_width"),
                  self._ramp, gap=8)  # fmt: skip
        middle = pn.Column(
            self._message, self._pictures, bar, self._cursor, css_classes=["middle"], stylesheets=[styles.PAGE],
            sizing_mode="stretch_both", margin=0, styles={"gap": "9px"},
        )  # fmt: skip
        heading = text("<h2>Download</h2>", stretch=True)
        tools = pn.Column(
            *self._tools.parts, *self._pinning.parts, heading, self._files, self._about, width=318,
            css_classes=["tools"], stylesheets=[styles.PAGE], sizing_mode="stretch_height", margin=0,
            styles={"gap": "9px"},
        )  # fmt: skip
        top = pn.Column(
            self._head, css_classes=["top"], stylesheets=[styles.PAGE], sizing_mode="stretch_width", margin=0
        )
        self.view = pn.Column(
            top, pn.Row(side, middle, tools, sizing_mode="stretch_both", margin=0), css_classes=["page"],
            stylesheets=[styles.PAGE], sizing_mode="stretch_both", margin=0,
        )  # fmt: skip

    @property
    def _figures(self) -> tuple[Any, Any]:
        return self._canvas.left, self._canvas.right

    def _later(self, call: Callable[[], None]) -> None:
        """Calls soon, once for all that was asked by then."""

        def run() -> None:
            self._gathered.discard(call)
            call()

        if call not in self._gathered:
            self._gathered.add(call)
            self._document.add_timeout_callback(run, _GATHER)

    def close(self) -> None:
        """Forgets what this page alone has."""
        self._end()
        self._uploads.close()

    # What is shown

    def select(self, entry: Entry) -> None:
        """Shows a picture, and its map as soon as there is one."""
        self._entry, self._plate, self._drawn = entry, self._library.plate(entry), None
        self._caution = self._library.caution(self._plate)
        self._library.first(entry)
        self._thumbs.chosen = entry.ident
        self._say("")
        # The line keeps its place while nothing is under the cursor; else the figures shrink at the first movement.
        self._over(None)
        self._canvas.show(self._plate)
        self._pinning.turn(entry.name)
        self._take_map()

    def _take_map(self) -> None:
        if self._entry is None or self._plate is None:
            return
        self._drawn = self._library.drawn(self._entry)
        self._tools.offer(scatter=self._drawn is not None and self._drawn.scatter is not None)
        self._progress(self._library.state(self._entry))
        self._lay()
        self._paint()
        self._pinning.drawn = self._drawn
        self._head.object = messages.head(self._entry, self._plate, self._drawn, self._library.scale, self._caution)

    def _lay(self) -> None:
        self._canvas.lay(self._drawn, self._tools.scatter)
        self._paint()

    def _paint(self) -> None:
        """The colours, the share and the addresses of what can be taken along."""
        tools, drawn = self._tools, self._drawn
        threshold = tools.step / STEPS if tools.only and not tools.scatter else 0.0
        self._canvas.paint(tools.colours, tools.opacity, threshold)
        tools.tell(drawn.share(tools.step) if drawn else math.nan)
        first, last = (self._library.labels.names[k] for k in (0, -1))
        if tools.scatter and drawn:
            self._ramp.object = styles.ramp("", "standard deviation over seeds 0", f"{drawn.top_scatter:.2f}")
        else:
            self._ramp.object = styles.ramp(tools.colours, f"0 · like t = {last}", f"1 · like t = {first}")
        if self._entry:
            self._files.object = messages.files(
                self._entry, drawn, tools.palette, tools.opacity, tools.step, self._pinning.any
            )

    def _arrange(self) -> None:
        """Side by side, or the map over the micrograph alone."""
        beside = self._tools.arrangement == BESIDE
        self._pictures[0].visible = beside
        self._resized(*self._room)
        self._paint()

    def _resized(self, across: int, down: int) -> None:
        """Takes the room that there is for the figures."""
        self._room = (across, down)
        beside = self._tools.arrangement == BESIDE
        self._canvas.resize((across - _GAP) // 2 if beside else across, down)

    def _progress(self, state: State) -> None:
        self._busy.visible = not (state.ready or state.problem)
        self._busy.object = messages.busy(state)
        if state.problem:
            self._say(state.problem)

    def _say(self, problem: str) -> None:
        self._message.object = f'<p class="warn">{html.escape(problem)}</p>'
        self._message.visible = bool(problem)

    # Thumbnails

    def _show_thumbnails(self) -> None:
        entries = [*self._uploads.entries, *self._library.shown]
        self._captions = {entry.ident: self._caption(entry) for entry in entries}
        self._thumbs.captions = dict(self._captions)
        known = {item["ident"]: item for item in self._thumbs.items}
        self._thumbs.items = [
            known.get(e.ident)
            or {"ident": e.ident, "group": e.group, "name": e.name, "src": self._library.thumbnail(e)}
            for e in entries
        ]  # fmt: skip

    def _caption(self, entry: Entry) -> str:
        drawn = self._library.drawn(entry)
        if drawn is not None:
            return f"{drawn.mean:.2f}"
        return "no map" if self._library.state(entry).problem else "…"

    def _clicked(self, ident: str) -> None:
        entry = self._library.find(ident)
        if entry is not None:
            self.select(entry)

    def _told(self, entry: Entry, state: State) -> None:
        """From the thread that computes maps."""
        self._document.add_next_tick_callback(partial(self._step, entry, state))

    def _step(self, entry: Entry, state: State) -> None:
        if entry.ident not in self._captions:
            return
        if state.ready or state.problem:
            self._captions[entry.ident] = self._caption(entry)
            self._thumbs.captions = dict(self._captions)
        if entry == self._entry:
            if state.ready:
                self._take_map()
            else:
                self._progress(state)

    # The cursor

    def _over(self, place: tuple[float, float] | None) -> None:
        if self._plate is not None:
            self._cursor.object = messages.under(self._plate, self._drawn, place)

    def _tapped(self, x: float, y: float) -> None:
        if self._plate is not None and messages.inside(self._plate, (x, y)):
            self._pinning.place(x, y)

    # Dropped pictures

    def _too_large(self, name: str) -> None:
        self._say(f"{name}: a file of at most {MOST_BYTES // 10**6} MB is needed. Received: a larger one")

    def _dropped(self, name: str, data: bytes) -> None:
        self._say("")
        self._busy.object, self._busy.visible = messages.reading(name), True
        task = self._readers.submit(self._uploads.take, name, data)
        task.add_done_callback(lambda done: self._document.add_next_tick_callback(partial(self._read, name, done)))

    def _read(self, name: str, task: concurrent.futures.Future[Entry]) -> None:
        self._busy.visible = False
        try:
            entry = task.result()
        except CopperError as error:
            self._say(str(error))
            return
        except Exception as error:  # noqa: BLE001 - whatever a file does, the page goes on
            self._say(f"{name}: a picture is needed. Received: {type(error).__name__}")
            return
        self._show_thumbnails()
        self.select(entry)
