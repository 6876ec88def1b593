"""The two linked pictures of the page: the micrograph, and its map over it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from bokeh.events import MouseLeave, MouseMove, Tap
from bokeh.models import (
    ColumnDataSource,
    CrosshairTool,
    LinearColorMapper,
    PanTool,
    Range1d,
    ScaleBar,
    Span,
    WheelZoomTool,
)
from bokeh.models.annotations.dimensional import ImperialLength
from bokeh.palettes import Inferno256
from bokeh.plotting import figure

from copper_tf.apps.viewer.cache import Drawn, Plate
from copper_tf.apps.viewer.notes import Note
from copper_tf.apps.viewer.pyramid import Levels, View, Window
from copper_tf.apps.web.styles import EDGE, INK, WRONG
from copper_tf.utils.drawing import colours

__all__ = ["SCATTER", "Canvas", "palette_of"]

# The name of the colours of the scatter, beside those of `draw.PALETTES`.
SCATTER = "scatter"
_NOTHING: dict[str, list[Any]] = {"image": [], "x": [], "y": [], "dw": [], "dh": []}
# Longest side in px of the copy that lies under the part that is looked at.
_BASE = 512
_CLOSEST = 1 / 32
# Units of the scale bar: each in the first.
_Basis = dict[str, tuple[float, str] | tuple[float, str, str]]
_PIXELS: _Basis = {"px": (1.0, "px")}
_LENGTHS: _Basis = {"nm": (1.0, "nm"), "µm": (1e3, "µm"), "mm": (1e6, "mm")}


def palette_of(name: str, threshold: float = 0.0) -> list[str]:
    """The 256 colours of values from 0 to 1; those below a threshold let the micrograph through.

    Args:
        name: a name in `draw.PALETTES`, or `SCATTER`.
        threshold: the least value that keeps its colour.
    """
    values = np.linspace(0, 1, 256)
    plain = Inferno256 if name == SCATTER else ["#{:02x}{:02x}{:02x}".format(*c) for c in colours(values, name)]
    return [colour + ("ff" if value >= threshold - 1e-9 else "00") for colour, value in zip(plain, values, strict=True)]


def _ticks(powers: int) -> list[float]:
    """The lengths of scale bars: 1, 2, 5, 10, ..."""
    return [float(n * 10**k) for k in range(powers) for n in (1, 2, 5)]


class Canvas:
    """Two figures that move together; the browser gets no more of a picture than it shows.

    Args:
        over: told x and y in px of the picture under the cursor, or None.
        tapped: told x and y of a click.
        later: calls a function soon, once for many calls.

    Attributes:
        left: the micrograph.
        right: the micrograph under its map.
        view: what is looked at.
    """

    def __init__(
        self,
        over: Callable[[tuple[float, float] | None], None],
        tapped: Callable[[float, float], None],
        later: Callable[[Callable[[], None]], None],
    ) -> None:
        self._later, self._fitted = later, True
        # What one px is in the figures' own coordinates: nm, so that their scale bars are right at every zoom.
        self._unit = 1.0
        self._screen = (600, 600)
        self.view = View.whole(self._screen, *self._screen)
        self._changes: dict[tuple[int, str], tuple[Any, Any]] = {}
        self._plate: Plate | None = None
        self._layer: Levels | None = None
        self._x, self._y = Range1d(0, 1), Range1d(1, 0)
        self._base, self._grey, self._map = (ColumnDataSource(_NOTHING) for _ in range(3))
        self._pins = ColumnDataSource({"x": [], "y": [], "text": [], "colour": []})
        self._greys = LinearColorMapper([f"#{k:02x}{k:02x}{k:02x}" for k in range(256)], low=-0.5, high=255.5)
        self._colours = LinearColorMapper(palette_of("paper"), low=-0.5, high=255.5)
        spans = [Span(dimension=way, line_color="#ffffff", line_alpha=0.55) for way in ("height", "width")]
        # Units of our own: its basis is replaced, since BokehJS doesn't know the class CustomDimensional itself.
        self._units = ImperialLength(basis=_PIXELS, ticks=_ticks(5))
        self._bars: list[ScaleBar] = []
        self.left, self.right = (self._figure(spans) for _ in range(2))
        self._glyph = self.right.image(source=self._map, color_mapper=self._colours, level="image").glyph
        # The event of Bokeh comes only half a second after the last movement.
        for axis in (self._x, self._y):
            for edge in ("start", "end"):
                axis.on_change(edge, lambda attr, old, new: later(self._moved))
        for drawn in (self.left, self.right):
            self._draw_pins(drawn)
            drawn.on_event(MouseMove, lambda event: over(self._place(event)))
            drawn.on_event(MouseLeave, lambda _: over(None))
            drawn.on_event(Tap, lambda event: tapped(*self._place(event)))

    def _figure(self, spans: Sequence[Span]) -> Any:
        wheel, pan = WheelZoomTool(zoom_on_axis=False), PanTool()
        drawn = figure(
            x_range=self._x, y_range=self._y, tools=[wheel, pan, CrosshairTool(overlay=spans)], active_scroll=wheel,
            active_drag=pan, toolbar_location=None, sizing_mode="stretch_both", min_border=0, min_width=80,
            min_height=80, outline_line_color=EDGE, background_fill_color="#eceff2",
        )  # fmt: skip
        drawn.axis.visible = drawn.grid.visible = False
        for source in (self._base, self._grey):
            drawn.image(source=source, color_mapper=self._greys, level="image")
        bar = ScaleBar(
            range=self._x, unit="px", dimensional=self._units, bar_length=0.16, location="bottom_left",
            background_fill_color="#000000", background_fill_alpha=0.72, border_line_color=None,
            bar_line_color="#ffffff", bar_line_width=3, label_text_color="#ffffff", label_location="above", margin=12,
            padding=8, label_text_font_size="13px", name="scale bar",
        )  # fmt: skip
        drawn.add_layout(bar)
        self._bars.append(bar)
        return drawn

    def _draw_pins(self, drawn: Any) -> None:
        drawn.scatter(
            "x", "y", size=22, fill_color="colour", line_color="#ffffff", line_width=1.5, source=self._pins
        )  # fmt: skip
        drawn.text(
            "x", "y", text="text", text_color="#ffffff", text_font_size="12px", text_font_style="bold",
            text_align="center", text_baseline="middle", source=self._pins,
        )  # fmt: skip

    def _change(self, model: Any, **values: Any) -> None:
        """Changes a Bokeh model soon, when its document is locked: Panel's own events don't always hold the lock."""
        self._changes |= {(id(model), name): (model, {name: value}) for name, value in values.items()}
        self._later(self._apply)

    def _apply(self) -> None:
        changes, self._changes = list(self._changes.values()), {}
        for model, values in changes:
            model.update(**values)

    def _place(self, event: Any) -> tuple[float, float]:
        return event.x / self._unit, event.y / self._unit

    def _image(self, window: Window | None) -> dict[str, list[Any]]:
        if window is None:
            return _NOTHING
        place = {"x": window.x, "y": window.y, "dw": window.width, "dh": window.height}
        return {"image": [window.values], **{name: [px * self._unit] for name, px in place.items()}}

    def _look(self, view: View) -> None:
        self.view = view
        self._change(self._x, start=view.left * self._unit, end=view.right * self._unit)
        self._change(self._y, start=view.bottom * self._unit, end=view.top * self._unit)
        self._later(self.refresh)

    def _moved(self) -> None:
        """Takes over what the user did; what the server did itself comes back as the same view."""
        # Rows are counted from the top, so the range of y runs downwards.
        ends = (self._x.start, self._x.end, self._y.end, self._y.start)
        left, right, top, bottom = (end / self._unit for end in ends)
        if not np.allclose((left, right, top, bottom), self.view.edges, rtol=0, atol=0.01 * self.view.scale):
            self._fitted, self.view = False, View(left, right, top, bottom, (right - left) / self._screen[0])
            self.refresh()

    def resize(self, across: int, down: int) -> None:
        """Takes the size of each figure on the screen, and keeps what is looked at in its middle.

        Args:
            across: width in px.
            down: height.
        """
        self._screen = (max(across, 1), max(down, 1))
        if self._fitted:
            self.fit()
        else:
            self._look(View.at(*self.view.middle, self.view.scale, *self._screen))

    def show(self, plate: Plate) -> None:
        """Puts a picture onto the page, all of it in view."""
        self._plate, self._layer = plate, None
        self._change(self._map, data=_NOTHING)
        self._change(self._grey, data=_NOTHING)
        height, width = plate.shape
        small = plate.levels.small(_BASE)
        size = plate.pixel_size_nm
        known = math.isfinite(size) and size > 0
        self._unit = size if known else 1.0
        self._change(self._units, basis=_LENGTHS if known else _PIXELS, ticks=_ticks(3 if known else 5))
        for bar in self._bars:
            self._change(bar, unit="nm" if known else "px")
        self._change(self._base, data=self._image(Window(small, 0, 0, width, height)))
        self.fit()

    def fit(self) -> None:
        """Shows all of the picture."""
        if self._plate is not None:
            self._fitted = True
            self._look(View.whole(self._plate.shape, *self._screen))

    def zoom(self, factor: float) -> None:
        """Shows the middle larger, by a factor over 1, or smaller."""
        self.scale(self.view.scale / factor)

    def scale(self, scale: float) -> None:
        """Shows so many px of the picture in one of the screen, round the same middle."""
        if self._plate is not None:
            self._fitted = False
            farthest = 2 * View.whole(self._plate.shape, *self._screen).scale
            self._look(View.at(*self.view.middle, min(max(scale, _CLOSEST), farthest), *self._screen))

    def go(self, x: float, y: float) -> None:
        """Brings a place into the middle."""
        self._fitted = False
        self._look(View.at(x, y, self.view.scale, *self._screen))

    def lay(self, drawn: Drawn | None, scatter: bool = False) -> None:
        """Lays a map, or its scatter, over the right picture; None takes it away."""
        self._layer = None if drawn is None else drawn.scatter_levels if scatter else drawn.levels
        self._change(self._map, data=_NOTHING)
        self._later(self.refresh)

    def paint(self, palette: str, opacity: float, threshold: float = 0.0) -> None:
        """Chooses the colours of the map, see `palette_of`; they change in the browser alone.

        Args:
            palette: its colours.
            opacity: 0 to 1.
            threshold: least value that is shown.
        """
        self._change(self._colours, palette=palette_of(palette, threshold))
        self._change(self._glyph, global_alpha=opacity)

    def pin(self, notes: Sequence[Note], pending: tuple[float, float] | None) -> None:
        """Draws notes at their places, and the one that is being written."""
        x, y, text = [n.x for n in notes], [n.y for n in notes], [str(n.number) for n in notes]
        tint = [INK] * len(notes)
        if pending is not None:
            x, y, text, tint = [*x, pending[0]], [*y, pending[1]], [*text, "+"], [*tint, WRONG]
        x, y = ([px * self._unit for px in places] for places in (x, y))
        self._change(self._pins, data={"x": x, "y": y, "text": text, "colour": tint})

    def refresh(self) -> None:
        """Sends what the view needs; called by way of `later`."""
        if self._plate is None:
            return
        layer = self._layer
        self._change(self._grey, data=self._image(self._plate.levels.window(self.view)))
        self._change(self._map, data=self._image(None if layer is None else layer.window(self.view)))
        self._apply()
