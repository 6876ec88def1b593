"""Results that a run keeps are typed: written, found and read by their type, and refused where they are damaged."""

from __future__ import annotations

import dataclasses
import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from copper_tf.analysis.evaluation import pool_folds
from copper_tf.cli.main import main
from copper_tf.config import ANCHORS, CORRELATION, ITERATIVE, MIN_BINARITY
from copper_tf.inference.ensemble import ensemble_run
from copper_tf.runs.beginning import check_run_folder
from copper_tf.runs.records import BoundaryBias, FreeEnds, HypothesisRecord, Restarts, RestartTry, TrainingRecord
from copper_tf.runs.run import Run, create_run, fold_runs, is_run, open_run, seed_runs
from tfds_copper.errors import RunError


@pytest.fixture
def run(runs: dict[str, Any], tmp_path: Path) -> Run:
    """A run without any results."""
    return dataclasses.replace(runs["segmenter"], path=tmp_path)


def test_a_result_is_kept_under_the_name_of_its_type(run: Run) -> None:
    assert not run.has(BoundaryBias)
    written = BoundaryBias((0.0, math.nan, 0.0))
    assert run.write(written) == run.path / "scores" / "boundary_bias.json" and run.has(BoundaryBias)
    values = json.loads((run.path / "scores" / "boundary_bias.json").read_text())
    assert values == {"format": "copper-boundary-bias 1", "excess": [0.0, None, 0.0]}
    kept = run.read(BoundaryBias)
    assert kept.excess[::2] == (0.0, 0.0) and math.isnan(kept.excess[1])


@pytest.mark.parametrize(
    ("kind", "command"), [(TrainingRecord, "train"), (Restarts, "train"), (BoundaryBias, "evaluate")]
)
def test_a_missing_result_names_the_command_that_writes_it(kind: Any, command: str, run: Run) -> None:
    with pytest.raises(RunError, match=rf"no scores/{kind.NAME}.json yet; it is written by `copper {command}`"):
        run.read(kind)


def test_a_damaged_result_or_another_version_is_refused(run: Run) -> None:
    file = run.write(BoundaryBias((0.0,)))
    file.write_text(file.read_text().replace("bias 1", "bias 9"))
    with pytest.raises(RunError, match="reads 'copper-boundary-bias 1'. Received: 'copper-boundary-bias 9'"):
        run.read(BoundaryBias)
    file.write_text("{")
    with pytest.raises(RunError, match="boundary_bias.json: must be JSON"):
        run.read(BoundaryBias)


def test_training_is_recorded_with_what_it_took(runs: dict[str, Any]) -> None:
    record = runs["segmenter"].read(TrainingRecord)
    assert record.epochs == 2 and record.seconds >= 2 * record.seconds_per_epoch * 0.5 and record.policy
    assert TrainingRecord.from_dict(record.to_dict()) == record


@pytest.mark.parametrize(("best", "warned"), [(MIN_BINARITY - 0.01, True), (MIN_BINARITY, False)])
def test_restarts_warn_where_every_try_is_grey(best: float, warned: bool) -> None:
    restarts = Restarts(0, tuple(RestartTry(seed, value, 0.5, 1.0) for seed, value in enumerate((best, 0.1))))
    assert restarts.warning.startswith("none of 2 tries drew maps of two phases") == warned
    assert not Restarts(0, ()).warning


def test_a_learned_g_is_mentioned_and_a_given_one_is_not() -> None:
    labels, g = ("0 h", "1 h"), (1.0, 0.25)
    assert HypothesisRecord("linear", "fixed", g).note(labels) == ""
    assert HypothesisRecord("linear", ITERATIVE, g, (1.0, 0.5)).note(labels) == (
        "g was learned (iterative, from linear): 1.00 at 0 h, 0.25 at 1 h"
    )
    assert "trained on t = 0 h (g = 1) and t = 1 h (g = 0) alone" in HypothesisRecord(ANCHORS, ANCHORS, g).note(labels)


def test_several_runs_as_one_keep_what_is_known_of_the_ends_of_g(runs: dict[str, Any], tmp_path: Path) -> None:
    run = runs["segmenter"]
    config = run.config.replace(loss=CORRELATION, learn="fixed")
    members = []
    for k in range(2):
        path = Path(shutil.copytree(run.path, tmp_path / f"seed_{k}"))
        written = dataclasses.replace(run, path=path, config=config, initial_hypothesis=(1, 0.5, 0))
        written.write(FreeEnds(0.9, 0.2, None, None, (1, 0.5, 0), 6, 3))
        (path / "config.json").write_text(config.to_json())
        dataclasses.replace(written, hypothesis=(0.9, 0.55, 0.2)).write_hypothesis()
        members.append(open_run(path))
    note = "start and end of g (linear) were learned as area shares of one phase"
    for whole in (members[0], ensemble_run(tmp_path, members), pool_folds(tmp_path, members)):
        assert whole.hypothesis_record.ends_are_learned and whole.hypothesis_note.startswith(note)


class _KilledError(Exception):
    """Stands for a kill."""


@pytest.mark.parametrize("written", range(7))
def test_a_run_whose_making_was_cut_short_can_be_made_again(
    written: int, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh, left = dataclasses.replace(run, path=tmp_path / "run"), iter(range(written))

    def killed(temporary: Any, place: Any) -> None:
        if next(left, None) is None:
            raise _KilledError
        shutil.move(temporary, place)

    with monkeypatch.context() as patch:
        patch.setattr("tfds_copper.files.os.replace", killed)
        try:
            create_run(fresh)
        except _KilledError:
            (fresh.path / ".writing-0123-config.json").write_text("half")
    assert is_run(fresh.path) == (fresh.path / "format").is_file() == (written == 6)
    create_run(fresh, force=written == 6)
    assert open_run(fresh.path).config == run.config and not list(fresh.path.glob(".writing-*"))
    # What isn't ours is left alone, as is a run that a kill left while it was replaced.
    (fresh.path / "format").unlink()
    (fresh.path / "notes.txt").write_text("years of work")
    with pytest.raises(RunError, match="--force replaces it"):
        check_run_folder(fresh.path)
    (fresh.path / "config.json").unlink()
    with pytest.raises(RunError, match="needs an empty or absent folder"):
        create_run(fresh, force=True)
    assert (fresh.path / "notes.txt").read_text() == "years of work"


def test_a_run_that_is_replaced_stays_a_run_until_all_of_it_is_gone(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = dataclasses.replace(run, path=tmp_path / "run")
    create_run(old)
    (old.path / "scores").mkdir()
    with monkeypatch.context() as patch:
        patch.setattr("copper_tf.runs.beginning.shutil.rmtree", lambda path: (_ for _ in ()).throw(_KilledError))
        with pytest.raises(_KilledError):
            create_run(old, force=True)
    create_run(old, force=True)
    assert open_run(old.path) == old and not (old.path / "scores").exists()


@pytest.mark.parametrize("name", ["scores", "report", "checkpoints", "tensorboard", "model.keras", "report/figures"])
def test_a_run_with_a_link_that_leaves_it_is_refused_by_whoever_would_write_into_it(
    name: str, runs: dict[str, Any], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run, outside = shutil.copytree(runs["segmenter"].path, tmp_path / "run"), tmp_path / "outside"
    outside.mkdir()
    Image.new("L", (64, 64)).save(tmp_path / "a.png")
    link = run / name
    link.parent.mkdir(exist_ok=True)
    if link.is_dir():
        shutil.rmtree(link)
    link.unlink(missing_ok=True)
    link.symlink_to(outside)
    for command in (
        ["evaluate", str(run)], ["trust", str(run)], ["baselines", str(run)], ["report", str(run)],
        ["export", str(run), "-o", str(tmp_path / "export")],
        ["predict", str(run), str(tmp_path / "a.png"), "-o", str(tmp_path / "maps")],
        ["train", "segmenter", runs["segmenter"].data["path"], "-o", str(run), "--resume", "--epochs", "3"],
    ):  # fmt: skip
        assert main(command) == 2
        assert f"{name}: must lie in {run}. Received: a link that leaves it" in capfd.readouterr().err
    assert not any(outside.iterdir())
    link.unlink()
    (run / "mine").mkdir()
    link.symlink_to(run / "mine")
    assert open_run(run).path == run


def test_a_folder_of_runs_with_such_a_link_is_refused_as_well(runs: dict[str, Any], tmp_path: Path) -> None:
    for name in ("fold_1", "seed_0"):
        shutil.copytree(runs["segmenter"].path, tmp_path / "runs" / name)
    assert len(fold_runs(tmp_path / "runs")) == len(seed_runs(tmp_path / "runs")) == 1
    (tmp_path / "runs" / "scores").symlink_to(tmp_path)
    for opened in (fold_runs, seed_runs):
        with pytest.raises(RunError, match="scores: must lie in .*runs. Received: a link that leaves it"):
            opened(tmp_path / "runs")
