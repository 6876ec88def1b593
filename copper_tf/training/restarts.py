"""Several starts: each trains for a few epochs, until one draws maps of two phases; the most binary one goes on.

A mean per picture is reached by many maps, and which one is found depends on the first weights. One that marks the
wrong places has as low an error but pays for it with grey: it is the share of the areas that it sees badly that it has
to mix. So no true mask is needed to tell them, and no adhesion.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from typing import Any

import numpy as np

from copper_tf.config import Config
from copper_tf.data.pipeline import Pictures
from copper_tf.runs.run import BEST, STARTS, TENSORBOARD, Run, create_run, is_run
from copper_tf.statistics.scores import binarity
from copper_tf.training.domain_width import middle_maps
from tfds_copper.files import replacing
from tfds_copper.progress import Progress

__all__ = ["begin", "leave", "seconds_of_others"]

# The mean binarity of so many maps is known to a hundredth.
_PICTURES = 48

Trained = Callable[[Run, "Progress | None"], Any]


def _seed(config: Config, number: int) -> int:
    """The seed of a start: the first has the run's own."""
    own = config.training.seed
    return own if number == 0 else int(np.random.SeedSequence([own, number]).generate_state(1)[0])


def _start(run: Run, number: int) -> Run:
    """The run of one start, made where it is missing."""
    # One view tells the starts apart as well as all, in a fraction of the time.
    settings = {"starts": 1, "seed": _seed(run.config, number), "views": "one"}
    start = dataclasses.replace(run, path=run.path / STARTS / str(number), config=run.config.replace(**settings))
    if not is_run(start.path):
        shutil.rmtree(start.path, ignore_errors=True)
        create_run(start)
    return start


def _measured(start: Run, held_out: Pictures) -> dict[str, Any]:
    """What a start is judged by, kept so that a killed training does not measure it again."""
    if start.scores_file(STARTS).is_file():
        return start.read_scores(STARTS)
    each = np.array([binarity(mask) for mask in middle_maps(start, held_out, _PICTURES)])
    rows = start.history()
    scores = {
        "seed": start.config.training.seed,
        # A map of one value has none; it is as far from zeros and ones as a grey one.
        "binarity": float(np.nan_to_num(each).mean()),
        "val_nmse": rows[-1]["val_nmse"],
        "seconds": sum(row["seconds"] for row in rows),
    }
    start.write_scores(STARTS, scores)
    return scores


def _adopt(run: Run, start: Run) -> None:
    """Makes what a start has learnt that of the run; the checkpoint comes last, as after every epoch."""
    done = start.last_checkpoint()
    assert done is not None
    run.write_history(start.history())
    if (start.path / TENSORBOARD).is_dir():
        shutil.copytree(start.path / TENSORBOARD, run.path / TENSORBOARD, dirs_exist_ok=True)
    for source in (start.path / "hypothesis.json", start.checkpoints / BEST, done[1]):
        with replacing(run.path / source.relative_to(start.path)) as file:
            shutil.copyfile(source, file)


def leave(run: Run) -> None:
    """Removes the starts of a run that goes on with one of them."""
    shutil.rmtree(run.path / STARTS, ignore_errors=True)


def begin(run: Run, held_out: Pictures, trained: Trained, progress: Progress | None = None) -> None:
    """Trains one start after the other until one is binary enough; the run goes on from the most binary one.

    ``scores/starts.json`` keeps the ``seed``, ``binarity``, ``val_nmse`` and ``seconds`` of each, and which was
    ``chosen``. Killed at any moment, it goes on from the last finished epoch of a start.

    Args:
        run: a run without a finished epoch, whose `starts` are more than one.
        held_out: the decoded validation pictures.
        trained: trains a run for `start_epochs`, or what is left of them.
        progress: called with (done, total, what).
    """
    count = run.config.training.starts
    found: list[dict[str, Any]] = []
    for number in range(count):

        def told(done: int, total: int, what: str, number: int = number) -> None:
            if progress:
                progress(done, total, f"start {number + 1} of at most {count}, {what}")

        start = _start(run, number)
        trained(start, told)
        found.append(_measured(start, held_out))
        if found[-1]["binarity"] >= run.config.training.start_binarity:
            break
    chosen = int(np.argmax([scores["binarity"] for scores in found]))
    run.write_scores(STARTS, {"chosen": chosen, "starts": found})
    _adopt(run, _start(run, chosen))


def seconds_of_others(run: Run) -> float:
    """Seconds that the starts took which were not chosen."""
    if not run.scores_file(STARTS).is_file():
        return 0.0
    scores = run.read_scores(STARTS)
    return float(sum(s["seconds"] for k, s in enumerate(scores["starts"]) if k != scores["chosen"]))
