"""The page of an evaluation: one file that needs nothing else."""

from __future__ import annotations

import base64
import io
import shlex
from importlib import metadata
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from copper_tf.config import GROUPS, Config, default_config
from copper_tf.report.baselines import baseline_figures, baseline_tables
from copper_tf.report.examples import overlay_figure, read_patches, truth_figure
from copper_tf.report.grades import grades_figure
from copper_tf.report.grading import grading_table
from copper_tf.report.law import law_table
from copper_tf.report.learning import learning_figure
from copper_tf.report.network import network_figure
from copper_tf.report.potency import potency_figure
from copper_tf.report.style import png
from copper_tf.report.trust import trust_figures, trust_section
from copper_tf.report.wording import (
    ALTS,
    ASSUMPTIONS,
    CAPTIONS,
    GLOSSARY,
    POTENCY_NOTE,
    SCORE_NAMES,
    no_interval,
    shown,
    verdict,
)
from copper_tf.runs import EVALUATION, Run
from tfds_copper.files import replacing, write_text
from tfds_copper.settings import setting_fields

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from matplotlib.figure import Figure

__all__ = ["inlined", "render_evaluation", "template", "versions", "written"]

_EXAMPLES = "examples.npz"
_SVG_LIMIT = 300_000
_VERSIONS = ("copper-tf", "tensorflow", "keras", "tensorflow-datasets", "numpy")


def _figures(run: Run, scores: dict[str, Any]) -> dict[str, Figure]:
    """Every figure there are results for, in the order of the page."""
    patches = read_patches(run.path / "scores" / _EXAMPLES)
    known = [patch for patch in patches if patch.truth is not None]
    drawn: dict[str, Figure] = {}
    if run.config.kind == "classifier":
        drawn["grades"] = grades_figure(scores)
    else:
        drawn["potency"] = potency_figure(scores)
        if patches:
            drawn["overlay"] = overlay_figure(patches, scores["labels"])
        if known:
            drawn["truth"] = truth_figure(known, scores["labels"])
        drawn |= baseline_figures(run) | trust_figures(run)
    drawn["network"] = network_figure(run.config, int(run.data["window"]), len(run.labels.times))
    history = run.history()
    if history:
        drawn["learning"] = learning_figure(history, run.config.kind, run.best_epoch(history))
    return drawn


def _inline(drawn: Figure, raster: bytes, alt: str) -> Markup:
    """The figure for the page: sharp lines where they are few, pixels else."""
    stream = io.StringIO()
    drawn.savefig(stream, format="svg", metadata={"Date": None})
    vector = stream.getvalue()
    if len(vector) < _SVG_LIMIT:
        kind, data = "svg+xml", vector.encode()
    else:
        kind, data = "png", raster
    text = base64.b64encode(data).decode()
    return Markup('<img alt="{}" src="data:image/{};base64,{}">').format(alt, kind, text)


def _tables(scores: dict[str, Any]) -> dict[str, Any]:
    """Rows of scores and of gaps, as (name, (score, interval) of each split)."""
    splits, gaps = scores["splits"].values(), scores["gaps"].values()
    names = [n for n in SCORE_NAMES if n in scores["splits"]["test"]["scores"]]
    rows = [(SCORE_NAMES[n], [shown(p["scores"][n], p["intervals"][n]) for p in splits]) for n in names]
    if scores["kind"] == "segmenter":
        rows.append((SCORE_NAMES["binarity_middle"], [shown(p.get("binarity_middle"), None) for p in splits]))
    return {
        "scores": rows,
        "gaps": [(SCORE_NAMES[n], [shown(p[n]["gap"], p[n]["interval"]) for p in gaps]) for n in names],
    }


def _reasons(splits: dict[str, Any]) -> list[str]:
    """Why intervals are missing; once where it is the same for every split."""
    found = {name: no_interval(part) for name, part in splits.items()}
    if len(set(found.values())) == 1:
        return [f"{next(iter(found.values()))} in each split"] if any(found.values()) else []
    return [f"{name}: {reason}" for name, reason in found.items() if reason]


def training_command(config: Config, data: Path | str, output: str = "RUN") -> str:
    """The command that trains a run again, with the flags whose values aren't the default.

    Args:
        config: of the run.
        data: the dataset.
        output: what the new run is called in it.
    """
    default = default_config(config.kind).flat()
    changed = {n: v for n, v in config.flat().items() if v != default[n]}
    flags = [f"--{name.replace('_', '-')} {shlex.quote(str(value))}" for name, value in changed.items()]
    return " ".join(["copper train", config.kind, shlex.quote(str(data)), f"-o {output}", *flags])


def _settings(run: Run) -> list[tuple[str, Any, Any, str]]:
    """(name, value, default, help) of every setting."""
    flat, default = run.config.flat(), default_config(run.config.kind).flat()
    fields = [f for group in GROUPS.values() for f in setting_fields(group)]
    units = {f.name: f" ({f.metadata['unit']})" if f.metadata["unit"] else "" for f in fields}
    return [(f.name, flat[f.name], default[f.name], f.metadata["help"] + units[f.name]) for f in fields]


def _cost(run: Run) -> list[tuple[str, str]]:
    if not run.scores_file("training").is_file():
        return []
    cost = run.read_scores("training")
    return [
        ("receptive field", f"{run.config.receptive_field} px"),
        ("grey values relative to", run.config.normalised_over),
        *([("mean chord of its maps", f"{run.mean_chord:.0f} px")] if run.mean_chord > 0 else []),
        ("epochs", f"{cost['epochs']}"),
        ("time", f"{cost['seconds']:.0f} s ({cost['seconds_per_epoch']:.1f} s per epoch, median)"),
        ("peak memory", f"{cost['peak_memory_mb']:.0f} MB"),
        ("parameters", f"{cost['parameters']:,}"),
        ("precision", cost["policy"]),
        ("processors", f"{cost['processors']}"),
    ]


def versions() -> list[tuple[str, str]]:
    """(package, version) of what made the results."""
    found = []
    for name in _VERSIONS:
        try:
            found.append((name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            found.append((name, "not installed"))
    return found


def template(name: str) -> Template:
    """A template of this package; what it needs and doesn't get is an error.

    Args:
        name: its file name.
    """
    loader = PackageLoader("copper_tf.report")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True).get_template(name)


def inlined(folder: Path, figures: dict[str, Figure], alts: Mapping[str, str]) -> dict[str, Markup]:
    """Writes figures as PNG, and makes them ready for a page.

    Args:
        folder: where the files go.
        figures: by name.
        alts: what each shows, for those who can't see it.
    """
    inline = {}
    for name, drawn in figures.items():
        raster = png(drawn)
        with replacing(folder / f"{name}.png") as file:
            file.write_bytes(raster)
        inline[name] = _inline(drawn, raster, alts[name])
    return inline


def written(run: Run, figures: dict[str, Figure]) -> dict[str, Markup]:
    """Writes figures as PNG into the run's report, see `inlined`.

    Args:
        run: the run.
        figures: by name.
    """
    return inlined(run.path / "report" / "figures", figures, ALTS)


def render_evaluation(run: Run) -> Path:
    """Writes ``report/evaluation.html`` and every figure as a PNG beside it.

    Args:
        run: an evaluated run.

    Returns:
        The path of the page.

    Raises:
        RunError: if the run has no scores yet.
    """
    scores = run.read_scores(EVALUATION)
    folder = run.path / "report"
    names = run.labels.names
    text = template("evaluation.html.j2").render(
        run=run,
        kind=run.config.kind,
        verdict=verdict(scores),
        caveats=scores.get("caveats", []),
        beside=baseline_tables(run),
        trust=trust_section(run),
        figures=written(run, _figures(run, scores)),
        captions=CAPTIONS,
        tables=_tables(scores),
        splits=scores["splits"],
        reasons=_reasons(scores["splits"]),
        command=training_command(run.config, run.data["path"]),
        patches=[(names[p.label], p.file) for p in read_patches(run.path / "scores" / _EXAMPLES)],
        note=POTENCY_NOTE.format(first=names[0], last=names[-1]),
        assumptions=ASSUMPTIONS,
        glossary=GLOSSARY,
        settings=_settings(run),
        law=law_table(scores),
        grading=grading_table(scores),
        cost=_cost(run),
        versions=versions(),
    )
    write_text(folder / "evaluation.html", text)
    return folder / "evaluation.html"
