"""Restarts: retries from new random weights, each trained for a few epochs; the one with the most binary maps goes on.

Many maps have the same mean, and which one a network finds depends on its first weights. A network that marks the wrong
places reaches as low an error but pays for it with grey: where it can't tell the two phases apart, it has to mix them.
So neither true masks nor adhesion are needed to choose between the tries.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from typing import Any

import numpy as np

from copper_tf.config import Config
from copper_tf.data.pictures import Pictures
from copper_tf.runs.records import Restarts, RestartTry
from copper_tf.runs.run import BEST, HYPOTHESIS, RESTARTS, TENSORBOARD, Run, create_run, is_run
from copper_tf.statistics.scores import binarity, joint_binarity
from copper_tf.training.finish import draw_maps
from tfds_copper.files import replacing
from tfds_copper.progress import Progress

__all__ = ["choose_try", "remove_tries"]

# Their binarity is known to a hundredth or two.
_PICTURES = 48

Train = Callable[[Run, "Progress | None"], Any]


def _seed(config: Config, number: int) -> int:
    """The seed of a try: the first one has the run's own."""
    own = config.training.seed
    return own if number == 0 else int(np.random.SeedSequence([own, number]).generate_state(1)[0])


def _try_run(run: Run, number: int) -> Run:
    """The run of one try, created where it is missing."""
    # One view is enough to choose by, and takes a fraction of the time.
    settings = {"seed": _seed(run.config, number), "tta": "none"}
    attempt = dataclasses.replace(run, path=run.path / RESTARTS / str(number), config=run.config.replace(**settings))
    if not is_run(attempt.path):
        shutil.rmtree(attempt.path, ignore_errors=True)
        create_run(attempt)
    return attempt


def _measure(attempt: Run, held_out: Pictures) -> RestartTry:
    """What a try is judged by; kept, so that a killed training doesn't measure it again."""
    if attempt.has(RestartTry):
        return attempt.read(RestartTry)
    maps = draw_maps(attempt, held_out, np.argsort(held_out.labels, kind="stable"), _PICTURES)
    each, means = np.array([(binarity(potency), potency.mean(dtype=np.float64)) for potency in maps]).T
    rows = attempt.history()
    result = RestartTry(
        seed=attempt.config.training.seed,
        # That of maps of one phase alone is undefined; they show as little as grey ones.
        binarity=float(np.nan_to_num(joint_binarity(each, means))),
        val_nmse=rows[-1]["val_nmse"],
        seconds=sum(row["seconds"] for row in rows),
    )
    attempt.write(result)
    return result


def _continue_from(run: Run, attempt: Run) -> None:
    """Copies what a try has learnt into the run; the checkpoint comes last, as after every epoch."""
    done = attempt.last_checkpoint()
    assert done is not None
    run.write_history(attempt.history())
    if (attempt.path / TENSORBOARD).is_dir():
        shutil.copytree(attempt.path / TENSORBOARD, run.path / TENSORBOARD, dirs_exist_ok=True)
    for source in (attempt.path / HYPOTHESIS, attempt.checkpoints / BEST, done[1]):
        with replacing(run.path / source.relative_to(attempt.path)) as file:
            shutil.copyfile(source, file)


def remove_tries(run: Run) -> None:
    """Deletes the tries of a run that goes on with one of them."""
    shutil.rmtree(run.path / RESTARTS, ignore_errors=True)


def choose_try(run: Run, held_out: Pictures, train: Train, progress: Progress | None = None) -> None:
    """Trains one try after the other until one draws binary maps; the run goes on from the most binary one.

    `Restarts` keeps what each try was judged by, and which was chosen. Killed at any moment, it goes on from the last
    finished epoch of a try.

    Args:
        run: a run without a finished epoch whose config allows restarts.
        held_out: the decoded validation pictures.
        train: trains a run for `restart_epochs`, or what is left of them.
        progress: called with (done, total, what).
    """
    most = run.config.training.restarts + 1
    tries: list[RestartTry] = []
    for number in range(most):

        def report(done: int, total: int, what: str, number: int = number) -> None:
            if progress:
                progress(done, total, f"try {number + 1} of at most {most}, {what}")

        attempt = _try_run(run, number)
        train(attempt, report)
        tries.append(_measure(attempt, held_out))
        if tries[-1].binarity >= run.config.training.restart_binarity:
            break
    chosen = int(np.argmax([one.binarity for one in tries]))
    run.write(Restarts(chosen, tuple(tries)))
    _continue_from(run, _try_run(run, chosen))
