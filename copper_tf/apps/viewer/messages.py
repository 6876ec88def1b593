"""What the page says."""

from __future__ import annotations

import html
import math
import urllib.parse
from collections.abc import Sequence

from copper_tf.apps.viewer.cache import Drawn, Plate
from copper_tf.apps.viewer.library import Entry, State
from copper_tf.ood.check import OodCheck, pixel_size_differs, pixel_size_text
from copper_tf.runs.labels import Labels

__all__ = ["about", "busy", "files", "head", "inside", "reading", "under"]

_EMPTY = "&nbsp;"


def _length(px: float, pixel_size_nm: float) -> str:
    return f"{px * pixel_size_nm / 1000:.4g}"


def about(labels: Labels, model: str, law: str, caveats: Sequence[str]) -> str:
    """What the map means, and what every result of the model must say.

    Args:
        labels: of the model.
        model: its name.
        law: what is to be said of a g that was learned; "" where it wasn't.
        caveats: what every result must say.
    """
    first, last = (html.escape(labels.names[k]) for k in (0, -1))
    said = [
        f"The map of the model <b>{html.escape(model)}</b> shows resemblance to the surface at t = {first} (1) or "
        f"t = {last} (0). Potency is its mean: an index of this model, not adhesion itself, "
        "nor comparable between models."
    ]
    said += [html.escape(note) for note in (law, *caveats) if note]
    title = f"About the map ({len(caveats)} caveat{'s' * (len(caveats) > 1)})" if caveats else "About the map"
    return f'<details class="small"><summary>{title}</summary>{"".join(f"<p>{t}</p>" for t in said)}</details>'


def head(
    entry: Entry,
    plate: Plate,
    drawn: Drawn | None,
    scale: tuple[float, float] | None = None,
    caution: OodCheck | None = None,
) -> str:
    """The picture's name, what is known of it, its potency, and a warning where it is unlike the model's data."""
    height, width = plate.shape
    known = [entry.group, f"sheet {entry.sheet}" if entry.sheet else "", f"{width} × {height} px"]
    size = plate.pixel_size_nm
    if math.isfinite(size):
        known += [f"{_length(width, size)} × {_length(height, size)} µm", f"{size:g} nm per px"]
    else:
        known.append("pixel size unknown")
    known.append(caution.not_checked if caution else "")
    details = " · ".join(html.escape(part) for part in (*known, *plate.notes) if part)
    potency = "–" if drawn is None else f"{drawn.mean:.3f}"
    about_seeds = ""
    if drawn is not None and drawn.scatter is not None:
        about_seeds = f'<span class="soft"> · maps of the seeds differ by {drawn.mean_scatter:.3f}</span>'
    return (
        f'<div class="head"><div><h1>{html.escape(entry.name)}</h1><p class="soft numbers">{details}</p></div>'
        f'<p style="white-space: nowrap"><span class="soft">potency</span> <span class="big">{potency}</span>'
        f"{about_seeds}</p></div>{_scale_warning(size, scale)}{_unlike(caution)}"
    )


def _scale_warning(pixel_size_nm: float, scale: tuple[float, float] | None) -> str:
    if scale is None or not pixel_size_differs(pixel_size_nm, scale):
        return ""
    return (
        f'<p class="warn">The model was trained at {pixel_size_text(scale)} per px; a map of a picture at '
        f"{pixel_size_nm:g} nm per px means nothing.</p>"
    )


def _unlike(caution: OodCheck | None) -> str:
    reasons = caution.reasons[caution.pixel_size_differs :] if caution else ()
    if not reasons:
        return ""
    text = html.escape("; ".join(reasons))
    return f'<p class="warn">Unlike the pictures that the model was trained on ({text}): its map may mean nothing.</p>'


def busy(state: State) -> str:
    """How far the map is."""
    if not state.total:
        return '<span class="soft">the map waits for its turn</span>'
    bar = f'<progress value="{state.done}" max="{state.total}"></progress>'
    return f'{bar} <span class="soft numbers">mapping: {state.done} of {state.total} tiles</span>'


def reading(name: str) -> str:
    """While a dropped picture is read."""
    return f'<progress></progress> <span class="soft">reading {html.escape(name[:60])}</span>'


def inside(plate: Plate, place: tuple[float, float]) -> bool:
    """Whether a place lies on the picture."""
    return 0 <= place[0] < plate.shape[1] and 0 <= place[1] < plate.shape[0]


def under(plate: Plate, drawn: Drawn | None, place: tuple[float, float] | None) -> str:
    """The values under the cursor, exact at every zoom."""
    if place is None or not inside(plate, place):
        return f'<p class="soft">{_EMPTY}</p>'
    x, y = int(place[0]), int(place[1])
    said = [f"x {x}, y {y} px"]
    if math.isfinite(plate.pixel_size_nm):
        said.append(f"{_length(x, plate.pixel_size_nm)}, {_length(y, plate.pixel_size_nm)} µm")
    said.append(f"grey value <b>{int(plate.pixels[y, x])}</b>")
    if drawn is not None:
        said.append(f"potency <b>{float(drawn.potency[y, x]):.3f}</b>")
        if drawn.scatter is not None:
            said.append(f"standard deviation <b>{float(drawn.scatter[y, x]):.3f}</b>")
    return f'<p class="numbers">{" &nbsp;·&nbsp; ".join(said)}</p>'


def files(entry: Entry, drawn: Drawn | None, palette: str, opacity: float, step: int, noted: bool) -> str:
    """Links to what there is to take along."""
    look = urllib.parse.urlencode({"palette": palette, "opacity": round(100 * opacity)})
    links = []
    if drawn is not None:
        links += [("map.tif", "Map (float TIFF)"), (f"overlay.png?{look}", "Overlay with scale bar (PNG)")]
    if drawn is not None and drawn.scatter is not None:
        links.append(("scatter.tif", "Uncertainty (float TIFF)"))
    if drawn is not None:
        links.append((f"table.csv?threshold={step}", "Potency and area share of all pictures (CSV)"))
    if noted:
        links.append(("notes.csv", "Notes of all pictures (CSV)"))
    if not links:
        return '<p class="soft">when there is a map</p>'
    return "".join(f'<a class="file" href="download/{entry.ident}/{to}" download>{name}</a>' for to, name in links)
