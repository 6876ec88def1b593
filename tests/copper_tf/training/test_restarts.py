"""Restarts: the try with the most binary maps goes on, whatever moment the training is killed at."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from copper_tf.config import MIN_BINARITY
from copper_tf.runs.records import Restarts, RestartTry, TrainingRecord
from copper_tf.runs.run import BEST, RESTARTS, Run, open_run
from copper_tf.training import restarts
from copper_tf.training.loop import train
from tests.conftest import eagerly, small
from tfds_copper.errors import SettingError

_COUNT = 3


def _config(**settings: Any) -> Any:
    # All of them, but where a test says otherwise.
    several = {"restarts": _COUNT - 1, "restart_epochs": 1, "restart_binarity": 1}
    return small("segmenter", **{**several, "d": 1, "epochs": 2, "learning_rate": 0.01, **settings})


def _weights(run: Run) -> list[np.ndarray]:
    last = run.last_checkpoint()
    assert last is not None
    return list(keras.models.load_model(last[1]).get_weights())


def _same(one: Run, other: Run) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(_weights(one), _weights(other), strict=True))


@pytest.fixture(scope="module", autouse=True)
def _untraced() -> Iterator[None]:
    with eagerly():
        yield


@pytest.fixture(scope="module")
def unbroken(dataset: Any, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(_config(), dataset, tmp_path_factory.mktemp("restarts") / "run")


@pytest.fixture
def maps(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Has start 1 draw maps of zeros and ones, and the others grey ones; of the value given alone where that is."""

    def drawn(run: Run, *_: Any) -> list[np.ndarray]:
        ramp = np.linspace(0, 1, 64)
        return [np.round(ramp) if run.path.name == "1" else 0.5 + 0.1 * ramp, ramp]

    monkeypatch.setattr(restarts, "draw_maps", drawn)
    return lambda value: monkeypatch.setattr(restarts, "draw_maps", lambda *_: [np.full(64, value)])


def test_the_most_binary_goes_on(unbroken: Run) -> None:
    scores = unbroken.read(Restarts)
    binarity = [s.binarity for s in scores.tries]
    assert len(set(binarity)) == _COUNT and scores.chosen == int(np.argmax(binarity))
    assert len({s.seed for s in scores.tries}) == _COUNT and scores.tries[0].seed == 0
    assert len(unbroken.history()) == 2
    assert {p.name for p in unbroken.checkpoints.iterdir()} == {BEST, "last-00002.keras"}
    assert not (unbroken.path / RESTARTS).exists()
    seconds = sum(row["seconds"] for row in unbroken.history())
    assert unbroken.read(TrainingRecord).seconds > seconds


@pytest.mark.slow
def test_what_goes_on_is_the_run_of_its_own_seed(dataset: Any, tmp_path: Path, maps: Any) -> None:
    chosen = train(_config(), dataset, tmp_path / "several", until=1)
    scores = chosen.read(Restarts)
    assert scores.chosen == 1 and scores.tries[1].binarity > 0.6 > 2 * scores.tries[0].binarity
    alone = train(_config(restarts=0, seed=scores.tries[1].seed), dataset, tmp_path / "alone", until=1)
    assert _same(chosen, alone)
    first = train(_config(restarts=0), dataset, tmp_path / "first", until=1)
    assert not _same(chosen, first)
    assert not first.has(Restarts)


@pytest.mark.slow
def test_one_that_is_binary_enough_ends_the_search(
    dataset: Any, tmp_path: Path, maps: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = _config(restart_binarity=MIN_BINARITY)

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(restarts, "_continue_from", killed)
        train(config, dataset, tmp_path / "run", until=1)
    assert _finished(tmp_path / "run") == 2 < _COUNT
    run = train(config, dataset, tmp_path / "run", until=1, resume=True)
    scores = run.read(Restarts)
    assert scores.chosen == 1 and len(scores.tries) == 2 and not run.restarts_warning
    alone = train(_config(restarts=0, seed=scores.tries[1].seed), dataset, tmp_path / "alone", until=1)
    assert _same(run, alone)


def test_a_run_says_that_all_its_starts_were_grey(unbroken: Run, tmp_path: Path) -> None:
    copy = open_run(shutil.copytree(unbroken.path, tmp_path / "copy"))
    for binarity, warned in ((MIN_BINARITY - 0.01, True), (MIN_BINARITY, False)):
        copy.write(Restarts(0, tuple(RestartTry(0, value, 0.5, 1.0) for value in (binarity, 0.1))))
        assert bool(copy.restarts_warning) == warned and (copy.restarts_warning in copy.caveats) == warned
    copy.scores_file(Restarts.NAME).unlink()
    assert not copy.restarts_warning


@pytest.mark.slow
def test_maps_of_one_value_are_as_bad_as_grey_ones(dataset: Any, tmp_path: Path, maps: Any) -> None:
    maps(1.0)
    scores = train(_config(), dataset, tmp_path / "run", until=1).read(Restarts)
    assert [s.binarity for s in scores.tries] == [0] * _COUNT and scores.chosen == 0


@pytest.mark.slow
@pytest.mark.parametrize("place", ["_measure", "_continue_from", "remove_tries"])
def test_a_killed_training_goes_on_as_if_it_had_not_been(
    place: str, unbroken: Run, dataset: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, calls = getattr(restarts, place), iter(range(9))

    def killed(*given: Any) -> Any:
        # The second try's maps, or the first of what comes once.
        if next(calls) == (1 if place == "_measure" else 0):
            raise KeyboardInterrupt
        return whole(*given)

    where = "copper_tf.training.loop" if place == "remove_tries" else "copper_tf.training.restarts"
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(f"{where}.{place}", killed)
        train(_config(), dataset, tmp_path / "run")
    done = _finished(tmp_path / "run")
    resumed = train(_config(), dataset, tmp_path / "run", resume=True)
    assert _same(resumed, unbroken) and (done == _COUNT) == (place != "_measure")
    assert [row["val_nmse"] for row in resumed.history()] == [row["val_nmse"] for row in unbroken.history()]
    assert not (resumed.path / RESTARTS).exists()


def _finished(run: Path) -> int:
    """How many tries have been trained."""
    return len(list((run / RESTARTS).glob("*/checkpoints/last-*.keras")))


@pytest.mark.parametrize(
    ("kind", "settings", "words"),
    [
        ("classifier", {"restarts": 1}, "restarts is for the segmenter alone.* Received: 1"),
        (
            "segmenter",
            {"restarts": 1, "epochs": 3, "restart_epochs": 3},
            "restart_epochs must be under 3 where .* 3",
        ),
        ("segmenter", {"restarts": -1}, "restarts .* -1"),
    ],
)
def test_starts_that_can_not_be_are_refused(kind: str, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingError, match=words):
        small(kind, **settings)
