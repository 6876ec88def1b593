"""The frame that all pages share: one template environment, figures with alt text and caption, and the footer."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PackageLoader, StrictUndefined
from markupsafe import Markup

from copper_tf.reports.common.style import png
from copper_tf.runs.provenance import versions
from copper_tf.utils import colours
from tfds_copper.files import replacing, write_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from matplotlib.figure import Figure

__all__ = ["embed_image", "render_template", "write_page"]

# Longer drawings are shown as pixels: a browser takes long for a vector image of so many characters.
_SVG_LIMIT = 300_000


def render_template(template: str, /, *, escape: bool = True, templates: Path | None = None, **context: Any) -> str:
    """Fills in a template of ``copper_tf/reports``; a variable that it needs and doesn't get is an error.

    Args:
        template: its path, e.g. ``"check/page.html.j2"``.
        escape: escape values for HTML.
        templates: a folder of further templates, which may extend those of ``copper_tf/reports``.
        **context: its variables.
    """
    environment = Environment(
        loader=ChoiceLoader(
            [PackageLoader("copper_tf", "reports"), *([FileSystemLoader(templates)] if templates else [])]
        ),
        autoescape=escape,  # noqa: S701 - only Markdown goes without
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    environment.globals["colours"] = colours
    return environment.get_template(template).render(**context)


def embed_image(data: bytes, alt: str, kind: str = "png") -> Markup:
    """An ``<img>`` that holds its own data.

    Args:
        data: the contents of an image file.
        alt: what it shows, for those who can't see it.
        kind: its subtype, ``"png"`` or ``"svg+xml"``.
    """
    text = base64.b64encode(data).decode()
    return Markup('<img alt="{}" src="data:image/{};base64,{}">').format(alt, kind, text)


def _embed_figure(figure: Figure, raster: bytes, alt: str) -> Markup:
    """The figure for the page: as a vector image where that is small, else as pixels."""
    stream = io.StringIO()
    figure.savefig(stream, format="svg", metadata={"Date": None})
    vector = stream.getvalue()
    return embed_image(vector.encode(), alt, "svg+xml") if len(vector) < _SVG_LIMIT else embed_image(raster, alt)


def write_page(
    template: str,
    file: Path,
    /,
    *,
    figures: Mapping[str, Figure] | None = None,
    alts: Mapping[str, str] | None = None,
    captions: Mapping[str, str] | None = None,
    templates: Path | None = None,
    **context: Any,
) -> Path:
    """Writes a page that needs no other file, and its figures as PNG into ``figures/`` beside it.

    The template gets ``figures`` (the images by name), the function ``figure(name, narrow=False)``, which shows one
    with its caption (nothing where there is no such figure), and ``versions`` for the footer.

    Args:
        template: its path in ``copper_tf/reports``.
        file: the page.
        figures: by name.
        alts: by name, what each figure shows for those who can't see it.
        captions: by name; figures without one are shown bare.
        templates: a folder of further templates, see `render_template`.
        **context: further variables of the template.

    Returns:
        The path of the page.
    """
    images: dict[str, Markup] = {}
    for key, drawn in (figures or {}).items():
        raster = png(drawn)
        with replacing(file.parent / "figures" / f"{key}.png") as target:
            target.write_bytes(raster)
        images[key] = _embed_figure(drawn, raster, (alts or {})[key])

    def figure(key: str, narrow: bool = False) -> Markup:
        if key not in images:
            return Markup("")
        text = (captions or {}).get(key)
        caption = Markup("<figcaption>{}</figcaption>").format(text) if text else Markup("")
        classes = Markup(' class="narrow"') if narrow else Markup("")
        return Markup('<figure tabindex="0"{}>{}{}</figure>').format(classes, images[key], caption)

    frame: dict[str, Any] = {"figures": images, "figure": figure, "versions": versions()}
    write_text(file, render_template(template, templates=templates, **frame, **context))
    return file
