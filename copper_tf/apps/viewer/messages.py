"""The texts of the page, as HTML."""

from __future__ import annotations

import html
import math
import urllib.parse
from collections.abc import Sequence

from copper_tf.apps.viewer.cache import CachedMap, CachedPicture
from copper_tf.apps.viewer.library import Entry, MapState
from copper_tf.ood.check import OodCheck, pixel_size_differs, pixel_size_text
from copper_tf.runs.labels import Labels

__all__ = ["about", "contains", "cursor_values", "downloads", "header", "map_progress", "reading"]

_EMPTY = "&nbsp;"


def _length(px: float, pixel_size_nm: float) -> str:
    return f"{px * pixel_size_nm / 1000:.4g}"


def about(labels: Labels, model: str, hypothesis_note: str, caveats: Sequence[str]) -> str:
    """What the map means, and the caveats of the model.

    Args:
        labels: of the model.
        model: its name.
        hypothesis_note: about a g that was learned; "" where it was given.
        caveats: that accompany every result.
    """
    first, last = (html.escape(labels.names[k]) for k in (0, -1))
    paragraphs = [
        f"The map of the model <b>{html.escape(model)}</b> shows how much the surface resembles "
        f"the one at t = {first} (1) or at t = {last} (0). Potency is the mean of the map: an index of this model. "
        "It does not measure adhesion and cannot be compared between models."
    ]
    paragraphs += [html.escape(note) for note in (hypothesis_note, *caveats) if note]
    title = f"About the map ({len(caveats)} caveat{'s' * (len(caveats) > 1)})" if caveats else "About the map"
    return f'<details class="small"><summary>{title}</summary>{"".join(f"<p>{t}</p>" for t in paragraphs)}</details>'


def header(
    entry: Entry,
    picture: CachedPicture,
    potency_map: CachedMap | None,
    scale: tuple[float, float] | None = None,
    check: OodCheck | None = None,
) -> str:
    """Name, size and potency of a picture, and warnings where it is unlike the training pictures."""
    height, width = picture.shape
    details = [entry.group, f"sheet {entry.sheet}" if entry.sheet else "", f"{width} × {height} px"]
    size = picture.pixel_size_nm
    if math.isfinite(size):
        details += [f"{_length(width, size)} × {_length(height, size)} µm", f"{size:g} nm per px"]
    else:
        details.append("pixel size unknown")
    details.append(check.not_checked if check else "")
    line = " · ".join(html.escape(text) for text in (*details, *picture.notes) if text)
    potency = "–" if potency_map is None else f"{potency_map.mean_potency:.3f}"
    seeds = ""
    if potency_map is not None and potency_map.scatter is not None:
        seeds = f'<span class="muted"> · the maps of the seeds differ by {potency_map.mean_scatter:.3f}</span>'
    return (
        f'<div class="header"><div><h1>{html.escape(entry.name)}</h1><p class="muted numbers">{line}</p></div>'
        f'<p style="white-space: nowrap"><span class="muted">potency</span> <span class="big">{potency}</span>'
        f"{seeds}</p></div>{_scale_warning(size, scale)}{_ood_warning(check)}"
    )


def _scale_warning(pixel_size_nm: float, scale: tuple[float, float] | None) -> str:
    if scale is None or not pixel_size_differs(pixel_size_nm, scale):
        return ""
    return (
        f'<p class="warning">The model was trained at {pixel_size_text(scale)} per px; a map of a picture '
        f"at {pixel_size_nm:g} nm per px means nothing.</p>"
    )


def _ood_warning(check: OodCheck | None) -> str:
    reasons = check.reasons[check.pixel_size_differs :] if check else ()
    if not reasons:
        return ""
    text = html.escape("; ".join(reasons))
    return (
        f'<p class="warning">Unlike the pictures that the model was trained on ({text}): its map may mean nothing.</p>'
    )


def map_progress(state: MapState) -> str:
    """The progress of the map."""
    if not state.total:
        return '<span class="muted">waiting for other maps</span>'
    bar = f'<progress value="{state.done}" max="{state.total}"></progress>'
    return f'{bar} <span class="muted numbers">mapping: {state.done} of {state.total} tiles</span>'


def reading(name: str) -> str:
    """Shown while a dropped picture is read."""
    return f'<progress></progress> <span class="muted">reading {html.escape(name[:60])}</span>'


def contains(picture: CachedPicture, position: tuple[float, float]) -> bool:
    """Whether a position lies on the picture."""
    return 0 <= position[0] < picture.shape[1] and 0 <= position[1] < picture.shape[0]


def cursor_values(picture: CachedPicture, potency_map: CachedMap | None, position: tuple[float, float] | None) -> str:
    """The values under the cursor, exact at every zoom."""
    if position is None or not contains(picture, position):
        return f'<p class="muted">{_EMPTY}</p>'
    x, y = int(position[0]), int(position[1])
    values = [f"x {x}, y {y} px"]
    if math.isfinite(picture.pixel_size_nm):
        values.append(f"{_length(x, picture.pixel_size_nm)}, {_length(y, picture.pixel_size_nm)} µm")
    values.append(f"grey value <b>{int(picture.pixels[y, x])}</b>")
    if potency_map is not None:
        values.append(f"potency <b>{float(potency_map.potency[y, x]):.3f}</b>")
        if potency_map.scatter is not None:
            values.append(f"standard deviation <b>{float(potency_map.scatter[y, x]):.3f}</b>")
    return f'<p class="numbers">{" &nbsp;·&nbsp; ".join(values)}</p>'


def downloads(
    entry: Entry, potency_map: CachedMap | None, palette: str, opacity: float, percent: int, has_notes: bool
) -> str:
    """The links to the files that can be downloaded."""
    query = urllib.parse.urlencode({"palette": palette, "opacity": round(100 * opacity)})
    links = []
    if potency_map is not None:
        links += [("map.tif", "Map (float TIFF)"), (f"overlay.png?{query}", "Overlay with scale bar (PNG)")]
    if potency_map is not None and potency_map.scatter is not None:
        links.append(("scatter.tif", "Uncertainty (float TIFF)"))
    if potency_map is not None:
        links.append((f"table.csv?threshold={percent}", "Potency and area share of all pictures (CSV)"))
    if has_notes:
        links.append(("notes.csv", "Notes of all pictures (CSV)"))
    if not links:
        return '<p class="muted">available once there is a map</p>'
    return "".join(f'<a class="file" href="download/{entry.ident}/{to}" download>{name}</a>' for to, name in links)
