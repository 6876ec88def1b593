"""``copper demo``: the whole road on simulated pictures, as a script of the Python API."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import click

from copper_tf.api.data import SimulationSettings, simulate
from copper_tf.api.fit import Fit, fit
from copper_tf.api.inference import predict
from copper_tf.api.settings import OutputError, SettingError
from copper_tf.cli.fit import print_fit, print_plan
from copper_tf.cli.options import folder_option, force_option
from copper_tf.cli.output import give, say
from copper_tf.cli.progress import progress_bar
from copper_tf.cli.verbs import Verb

__all__ = ["command"]

# Small pictures: enough for the map to find the rough areas, not for the paper's figures.
WORLD = SimulationSettings(labels=6, pictures=20, sheets=10, height=128, width=128, law="sqrt", seed=1)
# Minutes: so many are enough for good grades, and if a slow computer needs more, it takes them.
_BUDGET, _SLOW = 10.0, 120.0
_MARK = "copper-demo"


def _prepare(output: Path, force: bool) -> None:
    """Makes an empty folder; nothing that the demo didn't make is ever deleted."""
    if output.is_dir() and any(output.iterdir()):
        ours = (output / _MARK).is_file()
        if not (ours and force):
            advice = "; --force replaces an earlier demo" if ours else ""
            raise OutputError(f"{output}: the demo needs an absent or empty folder{advice}. Received: one in use")
        shutil.rmtree(output)
    output.mkdir(parents=True, exist_ok=True)
    (output / _MARK).write_text("made by `copper demo`; replaced by --force\n", encoding="utf-8")


def _fitted(folder: Path, output: Path, progress: Any) -> Fit:
    """The fit of the demo's pictures."""
    settings: dict[str, Any] = {"split": "30/10/10", "on_plan": print_plan, "progress": progress}
    try:
        return fit(folder, output, budget=_BUDGET, **settings)
    except SettingError:
        return fit(folder, output, budget=_SLOW, **settings)


@click.command("demo", cls=Verb)
@folder_option("Where everything goes.", default="demo")
@force_option
@click.option("--open", "open_page", is_flag=True, help="Open the report in a browser.")
def command(output: Path, force: bool, open_page: bool) -> None:
    """Simulate a SEM folder, fit it, and map two of its pictures; some minutes on two cores."""
    started = time.monotonic()
    _prepare(output, force)
    with progress_bar() as progress:
        folder = simulate(output / "micrographs", WORLD, workers=1, progress=progress)
        result = _fitted(folder, output / "fit", progress)
        pictures = sorted((folder / "t02").glob("*.png"))[:2]
        prediction = predict(output / "fit" / "segmenter_model", pictures, output / "prediction", progress=progress)
    for file in prediction.files:
        say(file)
    print_fit(result)
    say(f"{time.monotonic() - started:.0f} s in all")
    give(result)
    if open_page and result.report:
        click.launch(str(result.report.page))
