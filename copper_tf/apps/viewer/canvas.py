"""The two linked figures of the page: the micrograph, and the micrograph under its map."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from bokeh.events import MouseLeave, MouseMove, PressUp, Tap
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
from bokeh.palettes import Inferno256
from bokeh.plotting import figure

from copper_tf.apps.compat import scale_bar_units
from copper_tf.apps.viewer.cache import CachedMap, CachedPicture
from copper_tf.apps.viewer.notes import Note
from copper_tf.apps.viewer.pyramid import Pyramid, Region, View
from copper_tf.utils.colours import EDGE, INK, WARNING
from copper_tf.utils.drawing import colours

__all__ = ["SCATTER", "Canvas", "palette_colours"]

# The palette of the scatter, beside those of `drawing.PALETTES`.
SCATTER = "scatter"
# Longest side in px of the preview under the region that is sent in full.
_PREVIEW = 512
# Picture px per screen px at the strongest zoom.
_MIN_SCALE = 1 / 32
# Units of the scale bar, each expressed in the first.
_Basis = dict[str, tuple[float, str] | tuple[float, str, str]]
_PIXELS: _Basis = {"px": (1.0, "px")}
_LENGTHS: _Basis = {"nm": (1.0, "nm"), "µm": (1e3, "µm"), "mm": (1e6, "mm")}


def palette_colours(name: str, threshold: float = 0.0) -> list[str]:
    """The 256 colours of values from 0 to 1, transparent below a threshold.

    Args:
        name: a name in `drawing.PALETTES`, or `SCATTER`.
        threshold: the smallest value that keeps its colour.
    """
    values = np.linspace(0, 1, 256)
    plain = Inferno256 if name == SCATTER else ["#{:02x}{:02x}{:02x}".format(*c) for c in colours(values, name)]
    return [colour + ("ff" if value >= threshold - 1e-9 else "00") for colour, value in zip(plain, values, strict=True)]


def _ticks(powers: int) -> list[float]:
    """The lengths of scale bars: 1, 2, 5, 10, ..."""
    return [float(n * 10**k) for k in range(powers) for n in (1, 2, 5)]


def _no_image() -> dict[str, list[Any]]:
    """New lists each time: Bokeh changes those of a source in place, and no two windows may share them."""
    return {"image": [], "x": [], "y": [], "dw": [], "dh": []}


class Canvas:
    """Two figures that pan and zoom together; the browser receives only the region that it shows.

    Args:
        on_hover: called with x and y in px of the picture under the cursor, or None.
        on_click: called with x and y of a click.
        schedule: calls a function soon, once for many requests.

    Attributes:
        left: the micrograph.
        right: the micrograph under its map.
        view: the part of the picture that is shown.
    """

    def __init__(
        self,
        on_hover: Callable[[tuple[float, float] | None], None],
        on_click: Callable[[float, float], None],
        schedule: Callable[[Callable[[], None]], None],
    ) -> None:
        self._schedule, self._fitted = schedule, True
        # One px in the coordinates of the figures: nm, so that the scale bars are right at every zoom.
        self._unit = 1.0
        self._screen = (600, 600)
        self.view = View.fit(self._screen, *self._screen)
        self._changes: dict[tuple[int, str], tuple[Any, Any]] = {}
        self._picture: CachedPicture | None = None
        self._layer: Pyramid | None = None
        self._x, self._y = Range1d(0, 1), Range1d(1, 0)
        self._preview, self._region, self._map = (ColumnDataSource(_no_image()) for _ in range(3))
        self._note_markers = ColumnDataSource({"x": [], "y": [], "text": [], "colour": []})
        self._greys = LinearColorMapper([f"#{k:02x}{k:02x}{k:02x}" for k in range(256)], low=-0.5, high=255.5)
        self._colours = LinearColorMapper(palette_colours("paper"), low=-0.5, high=255.5)
        spans = [Span(dimension=dimension, line_color="#ffffff", line_alpha=0.55) for dimension in ("height", "width")]
        self._units = scale_bar_units(_PIXELS, _ticks(5))
        self._bars: list[ScaleBar] = []
        self.left, self.right = (self._figure(spans) for _ in range(2))
        self._glyph = self.right.image(source=self._map, color_mapper=self._colours, level="image").glyph
        # Bokeh's own RangesUpdate event comes half a second after the last movement.
        for axis in (self._x, self._y):
            for edge in ("start", "end"):
                axis.on_change(edge, lambda attr, old, new: schedule(self._moved))
        for plot in (self.left, self.right):
            self._draw_note_markers(plot)
            plot.on_event(MouseMove, lambda event: on_hover(self._position(event)))
            plot.on_event(MouseLeave, lambda _: on_hover(None))
            # A click that is held for 0.3 s, or that a busy browser sees end so late, is a press to Bokeh and no tap.
            for click in (Tap, PressUp):
                plot.on_event(click, lambda event: on_click(*self._position(event)))

    def _figure(self, spans: Sequence[Span]) -> Any:
        wheel, pan = WheelZoomTool(zoom_on_axis=False), PanTool()
        plot = figure(
            x_range=self._x, y_range=self._y, tools=[wheel, pan, CrosshairTool(overlay=spans)], active_scroll=wheel,
            active_drag=pan, toolbar_location=None, sizing_mode="stretch_both", min_border=0, min_width=80,
            min_height=80, outline_line_color=EDGE, background_fill_color="#eceff2",
        )  # fmt: skip
        plot.axis.visible = plot.grid.visible = False
        for source in (self._preview, self._region):
            plot.image(source=source, color_mapper=self._greys, level="image")
        bar = ScaleBar(
            range=self._x, unit="px", dimensional=self._units, bar_length=0.16, location="bottom_left",
            background_fill_color="#000000", background_fill_alpha=0.72, border_line_color=None,
            bar_line_color="#ffffff", bar_line_width=3, label_text_color="#ffffff", label_location="above", margin=12,
            padding=8, label_text_font_size="13px", name="scale bar",
        )  # fmt: skip
        plot.add_layout(bar)
        self._bars.append(bar)
        return plot

    def _draw_note_markers(self, plot: Any) -> None:
        plot.scatter(
            "x", "y", size=22, fill_color="colour", line_color="#ffffff", line_width=1.5, source=self._note_markers
        )  # fmt: skip
        plot.text(
            "x", "y", text="text", text_color="#ffffff", text_font_size="12px", text_font_style="bold",
            text_align="center", text_baseline="middle", source=self._note_markers,
        )  # fmt: skip

    def _change(self, model: Any, **values: Any) -> None:
        """Changes a Bokeh model once its document is locked; Panel's events don't always hold the lock."""
        self._changes |= {(id(model), name): (model, {name: value}) for name, value in values.items()}
        self._schedule(self._apply)

    def _apply(self) -> None:
        changes, self._changes = list(self._changes.values()), {}
        for model, values in changes:
            model.update(**values)

    def _position(self, event: Any) -> tuple[float, float]:
        return event.x / self._unit, event.y / self._unit

    def _image(self, region: Region | None) -> dict[str, list[Any]]:
        if region is None:
            return _no_image()
        rectangle = {"x": region.x, "y": region.y, "dw": region.width, "dh": region.height}
        return {"image": [region.values], **{name: [px * self._unit] for name, px in rectangle.items()}}

    def _set_view(self, view: View) -> None:
        self.view = view
        self._change(self._x, start=view.left * self._unit, end=view.right * self._unit)
        self._change(self._y, start=view.bottom * self._unit, end=view.top * self._unit)
        self._schedule(self.refresh)

    def _moved(self) -> None:
        """Follows the user's pan or zoom; a change by the server itself comes back as the same view."""
        # Rows are counted from the top, so the y range runs downwards.
        ends = (self._x.start, self._x.end, self._y.end, self._y.start)
        left, right, top, bottom = (end / self._unit for end in ends)
        if not np.allclose((left, right, top, bottom), self.view.edges, rtol=0, atol=0.01 * self.view.scale):
            self._fitted, self.view = False, View(left, right, top, bottom, (right - left) / self._screen[0])
            self.refresh()

    def resize(self, width: int, height: int) -> None:
        """Sets the size of each figure on the screen and keeps the centre of the view.

        Args:
            width: in px.
            height: in px.
        """
        self._screen = (max(width, 1), max(height, 1))
        if self._fitted:
            self.fit()
        else:
            self._set_view(View.centred(*self.view.centre, self.view.scale, *self._screen))

    def show_picture(self, picture: CachedPicture) -> None:
        """Shows another picture as a whole."""
        self._picture, self._layer = picture, None
        self._change(self._map, data=_no_image())
        self._change(self._region, data=_no_image())
        height, width = picture.shape
        preview = picture.pyramid.thumbnail(_PREVIEW)
        size = picture.pixel_size_nm
        known = math.isfinite(size) and size > 0
        self._unit = size if known else 1.0
        self._change(self._units, basis=_LENGTHS if known else _PIXELS, ticks=_ticks(3 if known else 5))
        for bar in self._bars:
            self._change(bar, unit="nm" if known else "px")
        self._change(self._preview, data=self._image(Region(preview, 0, 0, width, height)))
        self.fit()

    def fit(self) -> None:
        """Shows the whole picture."""
        if self._picture is not None:
            self._fitted = True
            self._set_view(View.fit(self._picture.shape, *self._screen))

    def zoom(self, factor: float) -> None:
        """Zooms around the centre: in by a factor over 1, out by one under it."""
        self.set_scale(self.view.scale / factor)

    def set_scale(self, scale: float) -> None:
        """Shows so many px of the picture per screen px, around the same centre."""
        if self._picture is not None:
            self._fitted = False
            max_scale = 2 * View.fit(self._picture.shape, *self._screen).scale
            self._set_view(View.centred(*self.view.centre, min(max(scale, _MIN_SCALE), max_scale), *self._screen))

    def centre_on(self, x: float, y: float) -> None:
        """Brings a point of the picture into the centre."""
        self._fitted = False
        self._set_view(View.centred(x, y, self.view.scale, *self._screen))

    def set_layer(self, potency_map: CachedMap | None, scatter: bool = False) -> None:
        """Shows a map, or its scatter, over the right figure; None removes it."""
        self._layer = None if potency_map is None else potency_map.scatter_pyramid if scatter else potency_map.pyramid
        self._change(self._map, data=_no_image())
        self._schedule(self.refresh)

    def set_colours(self, palette: str, opacity: float, threshold: float = 0.0) -> None:
        """Sets the colours of the map; only the browser redraws it.

        Args:
            palette: see `palette_colours`.
            opacity: 0 to 1.
            threshold: the smallest value that is shown.
        """
        self._change(self._colours, palette=palette_colours(palette, threshold))
        self._change(self._glyph, global_alpha=opacity)

    def show_notes(self, notes: Sequence[Note], pending: tuple[float, float] | None) -> None:
        """Marks notes, and the point of the one that is being written."""
        x, y, text = [n.x for n in notes], [n.y for n in notes], [str(n.number) for n in notes]
        colour = [INK] * len(notes)
        if pending is not None:
            x, y, text, colour = [*x, pending[0]], [*y, pending[1]], [*text, "+"], [*colour, WARNING]
        x, y = ([px * self._unit for px in values] for values in (x, y))
        self._change(self._note_markers, data={"x": x, "y": y, "text": text, "colour": colour})

    def refresh(self) -> None:
        """Sends the region that the view needs; to be called by `schedule`."""
        if self._picture is None:
            return
        layer = self._layer
        self._change(self._region, data=self._image(self._picture.pyramid.region(self.view)))
        self._change(self._map, data=self._image(None if layer is None else layer.region(self.view)))
        self._apply()
