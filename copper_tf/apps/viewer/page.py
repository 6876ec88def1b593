"""The page of the viewer; each browser window gets its own."""

from __future__ import annotations

import concurrent.futures
import html
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import panel as pn

from copper_tf.apps.viewer import messages, styles
from copper_tf.apps.viewer.cache import PERCENT, CachedMap, CachedPicture
from copper_tf.apps.viewer.canvas import Canvas
from copper_tf.apps.viewer.components import DropZone, SizeSensor, Thumbnails
from copper_tf.apps.viewer.library import Entry, Library, MapState, logged_reason
from copper_tf.apps.viewer.notes import NoteBook
from copper_tf.apps.viewer.notes_panel import NotesPanel
from copper_tf.apps.viewer.toolbar import SIDE_BY_SIDE, Toolbar
from copper_tf.apps.viewer.uploads import MAX_BYTES, Uploads
from copper_tf.apps.web.keys import KeyListener, SliderNames
from copper_tf.apps.web.widgets import button, row
from tfds_copper.errors import CopperError

__all__ = ["Page"]

# Milliseconds in which changes are collected before the server answers them.
_DELAY_MS = 30
# Px between the two figures.
_GAP = 12


class Page:
    """What one browser window shows; windows share pictures, maps and notes, but for dropped ones.

    Args:
        library: of the pictures.
        notes: of all of them.
        uploads: the pictures dropped on this page.
        readers: the threads in which dropped pictures are read.
        about: what the map means and the caveats of the model, as HTML.

    Attributes:
        view: the Panel object to serve.
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
        self._scheduled: set[Callable[[], None]] = set()
        self._available = (1200, 600)
        self._entry: Entry | None = None
        self._picture: CachedPicture | None = None
        self._map: CachedMap | None = None
        self._canvas = Canvas(self._on_hover, self._on_click, self._schedule)
        self._toolbar = Toolbar(self._update_layout, self._update_colours, self._update_layer)
        self._notes_panel = NotesPanel(notes, uploads.notes, self._canvas, self._update_colours)
        self._header, self._message = styles.text(stretch=True), styles.text(stretch=True, visible=False)
        self._cursor, self._colour_scale = (
            styles.text(stretch=True, css_classes=["cursor"]),
            styles.text(align="center", styles={"margin-left": "auto"}),
        )
        self._progress = styles.text(visible=False, align="center", css_classes=["progress"])
        self._downloads = styles.text(stretch=True, css_classes=["downloads"])
        self._thumbnails = Thumbnails(
            self._on_select, stylesheets=[styles.THUMBNAILS], margin=0, sizing_mode="stretch_both"
        )
        self._about = styles.text(about, stretch=True)
        self._build()
        self._captions: dict[str, str] = {}
        self._show_thumbnails()
        self._unsubscribe = library.subscribe(self._on_map_state)
        pn.state.on_session_destroyed(lambda _: self.close())
        if library.public:
            self.select(library.public[0])

    def _build(self) -> None:
        stretched: dict[str, Any] = {"sizing_mode": "stretch_both", "margin": 0}
        title = pn.Column(
            self._header, css_classes=["title"], stylesheets=[styles.PAGE], sizing_mode="stretch_width", margin=0
        )
        columns = pn.Row(
            self._sidebar(), self._middle(), self._controls(), css_classes=["columns"], stylesheets=[styles.PAGE],
            **stretched,
        )  # fmt: skip
        scripts = KeyListener(self.on_key), SliderNames()
        self.view = pn.Column(title, columns, *scripts, css_classes=["page"], stylesheets=[styles.PAGE], **stretched)

    def _sidebar(self) -> pn.Column:
        drop_zone = DropZone(
            self._on_drop, self._too_large, MAX_BYTES, stylesheets=[styles.DROP_ZONE], margin=0, height=80,
            sizing_mode="stretch_width",
        )  # fmt: skip
        return pn.Column(
            self._thumbnails, styles.text("<h2>Add a micrograph</h2>", stretch=True), drop_zone, width=236,
            css_classes=["sidebar"], stylesheets=[styles.PAGE], sizing_mode="stretch_height", margin=0,
            styles={"gap": "8px"},
        )  # fmt: skip

    def _middle(self) -> pn.Column:
        self._pictures = pn.Row(
            *(pn.pane.Bokeh(plot, sizing_mode="stretch_both", margin=0) for plot in self._figures),
            SizeSensor(self._on_resize), sizing_mode="stretch_both", margin=0, styles={"gap": f"{_GAP}px"},
        )  # fmt: skip
        zooms: list[tuple[str, Callable[[], None]]] = [
            ("Fit", self._canvas.fit),
            ("1:1", partial(self._canvas.set_scale, 1.0)),
        ]
        zooms += [("−", partial(self._canvas.zoom, 0.5)), ("+", partial(self._canvas.zoom, 2.0))]
        buttons = (button(name, call) for name, call in zooms)
        bar = row(*buttons, self._progress, self._colour_scale, classes=("wrapping",))
        return pn.Column(
            self._message, self._pictures, bar, self._cursor, css_classes=["pictures"], stylesheets=[styles.PAGE],
            sizing_mode="stretch_both", margin=0, styles={"gap": "9px"},
        )  # fmt: skip

    def _controls(self) -> pn.Column:
        heading = styles.text("<h2>Download</h2>", stretch=True)
        return pn.Column(
            *self._toolbar.components, *self._notes_panel.components, heading, self._downloads, self._about, width=318,
            css_classes=["toolbar"], stylesheets=[styles.PAGE], sizing_mode="stretch_height", margin=0,
            styles={"gap": "9px"},
        )  # fmt: skip

    @property
    def _figures(self) -> tuple[Any, Any]:
        return self._canvas.left, self._canvas.right

    def _schedule(self, call: Callable[[], None]) -> None:
        """Calls a function soon, once for all requests until then."""

        def run() -> None:
            self._scheduled.discard(call)
            call()

        if call not in self._scheduled:
            self._scheduled.add(call)
            self._document.add_timeout_callback(run, _DELAY_MS)

    def close(self) -> None:
        """Removes what belongs to this page alone."""
        self._unsubscribe()
        self._uploads.close()

    # The current picture

    def select(self, entry: Entry) -> None:
        """Shows a picture, and its map once there is one."""
        self._entry, self._picture, self._map = entry, self._library.picture(entry), None
        self._ood_check = self._library.check_ood(self._picture)
        self._library.prioritise(entry)
        self._thumbnails.selected = entry.ident
        self._show_problem("")
        # The line is never empty, or the figures would shrink at the first movement.
        self._on_hover(None)
        self._canvas.show_picture(self._picture)
        self._notes_panel.show_picture(entry.name, entry in self._uploads.entries)
        self._load_map()

    def _load_map(self) -> None:
        if self._entry is None or self._picture is None:
            return
        self._map = self._library.map(self._entry)
        self._toolbar.set_has_scatter(self._map is not None and self._map.scatter is not None)
        self._show_state(self._library.state(self._entry))
        self._update_layer()
        self._notes_panel.map = self._map
        self._header.object = messages.header(
            self._entry, self._picture, self._map, self._library.scale, self._ood_check
        )

    def _update_layer(self) -> None:
        self._canvas.set_layer(self._map, self._toolbar.scatter)
        self._update_colours()

    def _update_colours(self) -> None:
        """Updates the colours, the area share and the links of the downloads."""
        toolbar, potency_map = self._toolbar, self._map
        threshold = toolbar.threshold_percent / PERCENT if toolbar.hide_below and not toolbar.scatter else 0.0
        self._canvas.set_colours(toolbar.layer_palette, toolbar.opacity, threshold)
        toolbar.show_area_share(potency_map.area_share(toolbar.threshold_percent) if potency_map else math.nan)
        first, last = (self._library.labels.names[k] for k in (0, -1))
        if toolbar.scatter and potency_map:
            ends = "standard deviation over the seeds: 0", f"{potency_map.max_scatter:.2f}"
        else:
            ends = f"0 · like t = {last}", f"1 · like t = {first}"
        self._colour_scale.object = styles.colour_scale(toolbar.layer_palette, *ends)
        if self._entry:
            self._downloads.object = messages.downloads(
                self._entry,
                potency_map,
                toolbar.palette,
                toolbar.opacity,
                toolbar.threshold_percent,
                self._notes_panel.has_notes,
            )

    def _update_layout(self) -> None:
        """Shows both figures, or the right one alone."""
        side_by_side = self._toolbar.layout == SIDE_BY_SIDE
        self._pictures[0].visible = side_by_side
        self._on_resize(*self._available)
        self._update_colours()

    def _on_resize(self, width: int, height: int) -> None:
        """Gives the figures the available size."""
        self._available = (width, height)
        side_by_side = self._toolbar.layout == SIDE_BY_SIDE
        self._canvas.resize((width - _GAP) // 2 if side_by_side else width, height)

    def _show_state(self, state: MapState) -> None:
        self._progress.visible = not (state.ready or state.error)
        self._progress.object = messages.map_progress(state)
        if state.error:
            self._show_problem(state.error)

    def _show_problem(self, problem: str) -> None:
        self._message.object = f'<p class="warning">{html.escape(problem)}</p>'
        self._message.visible = bool(problem)

    # Thumbnails

    def _show_thumbnails(self) -> None:
        entries = [*self._uploads.entries, *self._library.public]
        self._captions = {entry.ident: self._caption(entry) for entry in entries}
        self._thumbnails.captions = dict(self._captions)
        items = {item["ident"]: item for item in self._thumbnails.items}
        self._thumbnails.items = [
            items.get(e.ident)
            or {"ident": e.ident, "group": e.group, "name": e.name, "src": self._library.thumbnail(e)}
            for e in entries
        ]  # fmt: skip

    def _caption(self, entry: Entry) -> str:
        potency_map = self._library.map(entry)
        if potency_map is not None:
            return f"{potency_map.mean_potency:.2f}"
        return "no map" if self._library.state(entry).error else "…"

    def _on_select(self, ident: str) -> None:
        entry = self._library.get(ident)
        if entry is not None:
            self.select(entry)

    def on_key(self, key: str) -> None:
        """Does what a key stands for; others are ignored.

        Args:
            key: an arrow for another picture, ``+`` and ``-`` to zoom, ``f`` to fit, ``1`` for one px on one px of the
                screen, ``t`` and ``T`` for a higher and a lower threshold.
        """
        keys: dict[str, Callable[[], None]] = {
            "ArrowLeft": partial(self._go, -1), "ArrowUp": partial(self._go, -1),
            "ArrowRight": partial(self._go, 1), "ArrowDown": partial(self._go, 1),
            "+": partial(self._canvas.zoom, 2.0), "-": partial(self._canvas.zoom, 0.5),
            "f": self._canvas.fit, "1": partial(self._canvas.set_scale, 1.0),
            "t": partial(self._toolbar.move_threshold, 1), "T": partial(self._toolbar.move_threshold, -1),
        }  # fmt: skip
        if key in keys:
            keys[key]()

    def _go(self, steps: int) -> None:
        """Shows a picture so many places further on, as far as there is one."""
        entries = [*self._uploads.entries, *self._library.public]
        if self._entry in entries and 0 <= entries.index(self._entry) + steps < len(entries):
            self.select(entries[entries.index(self._entry) + steps])

    def _on_map_state(self, entry: Entry, state: MapState) -> None:
        """Called in the thread that computes maps."""
        self._document.add_next_tick_callback(partial(self._update_map_state, entry, state))

    def _update_map_state(self, entry: Entry, state: MapState) -> None:
        if entry.ident not in self._captions:
            return
        if state.ready or state.error:
            self._captions[entry.ident] = self._caption(entry)
            self._thumbnails.captions = dict(self._captions)
        if entry == self._entry:
            if state.ready:
                self._load_map()
            else:
                self._show_state(state)

    # The cursor

    def _on_hover(self, position: tuple[float, float] | None) -> None:
        if self._picture is not None:
            self._cursor.object = messages.cursor_values(self._picture, self._map, position)

    def _on_click(self, x: float, y: float) -> None:
        if self._picture is not None and messages.contains(self._picture, (x, y)):
            self._notes_panel.set_position(x, y)

    # Dropped pictures

    def _too_large(self, name: str) -> None:
        self._show_problem(f"{name}: a file of at most {MAX_BYTES // 10**6} MB is needed. Received: a larger one")

    def _on_drop(self, name: str, data: bytes) -> None:
        self._show_problem("")
        self._progress.object, self._progress.visible = messages.reading(name), True
        task = self._readers.submit(self._uploads.add, name, data)
        task.add_done_callback(
            lambda done: self._document.add_next_tick_callback(partial(self._show_upload, name, done))
        )

    def _show_upload(self, name: str, task: concurrent.futures.Future[Entry]) -> None:
        self._progress.visible = False
        try:
            entry = task.result()
        except CopperError as error:
            self._show_problem(str(error))
            return
        except Exception as error:  # noqa: BLE001 - no file may break the page
            self._show_problem(f"{name}: a picture is needed. Received: {logged_reason('a dropped picture', error)}")
            return
        self._show_thumbnails()
        self.select(entry)
