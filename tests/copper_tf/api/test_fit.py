"""One call from a SEM folder to the report: planned, killed, gone on with, and refused where nothing can be learned."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import copper_tf
from copper_tf import config
from copper_tf.analysis.baselines.features import texture_seconds
from copper_tf.analysis.evaluation_results import Evaluation
from copper_tf.api import fit as fitting
from copper_tf.api.fit import Fit, FitPlan, fit
from copper_tf.cli.main import main
from copper_tf.config import DEFAULT, PRESETS, default_config
from copper_tf.data.crops import CropStream
from copper_tf.runs.records import TrainingRecord
from copper_tf.runs.run import open_run
from copper_tf.training import free_ends, plan
from copper_tf.training.timing import Speed, measure_speed
from tests.conftest import eagerly
from tfds_copper.errors import InputError, OutputError, RunError, SettingError
from tfds_copper.files import write_json

_SHORT = {"crop": 48, "c": 4, "d": 1, "batch_size": 6}
_SPLIT: dict[str, Any] = {"split": "6/2/2"}
_FOLDERS = {"check", "dataset", "segmenter", "classifier", "report", "segmenter_model", "classifier_model"}


@contextmanager
def _quickly() -> Iterator[None]:
    """Nets that train in seconds, whose ends are read off whatever they learned."""
    kinds = {
        "classifier": {**_SHORT, "epochs": 2},
        "segmenter": {
            **_SHORT,
            "loss": "correlation",
            "learn": "iterative",
            "epochs": 3,
            "restarts": 1,
            "keep": "last",
        },
    }
    with eagerly(), pytest.MonkeyPatch.context() as patch:
        patch.setitem(PRESETS, DEFAULT, kinds)
        patch.setattr(free_ends, "MIN_VARIANCE", 0.0)
        patch.setattr(fitting, "_LEAST_EPOCHS", 1)
        yield


@pytest.fixture
def quick() -> Iterator[None]:
    """Has a test train as `_quickly` does."""
    with _quickly():
        yield


def _potencies(output: Path) -> list[Any]:
    runs = [open_run(output / kind) for kind in ("segmenter", "classifier")]
    found = [run.read(Evaluation).pictures for run in runs]
    return [found[0].potency, found[1].grade, runs[0].hypothesis]


@pytest.fixture(scope="module")
def unbroken(sem_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("fit") / "out"
    plans: list[FitPlan] = []
    with _quickly():
        result = fit(sem_folder, output, on_plan=plans.append, **_SPLIT)
    assert result.plan == FitPlan.read(output / "fit_plan.json")
    # What the segmenter really took stands in the plan; there was time enough for all epochs.
    assert result.plan.epochs == plans[0].epochs and result.plan.seconds.keys() == plans[0].seconds.keys()
    taken = open_run(output / "segmenter").read(TrainingRecord).seconds
    assert result.plan.seconds["segmenter"] == taken != plans[0].seconds["segmenter"]
    assert json.dumps(Fit.read(output / "fit.json").to_dict()) == json.dumps(result.to_dict())
    return output


def test_all_that_is_made_is_what_other_commands_take(unbroken: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert {p.name for p in unbroken.iterdir() if p.is_dir()} == _FOLDERS
    run = open_run(unbroken / "segmenter")
    assert run.config.training.loss == "correlation" and run.hypothesis_record.ends_are_learned
    assert copper_tf.load(unbroken / "segmenter_model").predict(np.zeros((64, 64), np.uint8)).potency >= 0
    report = json.loads((unbroken / "report" / "report.json").read_text())
    assert {model["kind"] for model in report["models"]} == {"segmenter", "classifier"}
    assert main(["evaluate", str(unbroken / "classifier")]) == 0
    assert "evaluation.html" in capfd.readouterr().out


class _KilledError(Exception):
    pass


def _killed_at(calls: int) -> Callable[[int, int, str], None]:
    left = calls

    def progress(done: int, total: int, what: str) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise _KilledError

    return progress


def test_killed_at_any_moment_it_goes_on_to_the_same_result(
    quick: None, unbroken: Path, sem_folder: Path, tmp_path: Path
) -> None:
    output, kills, order = tmp_path / "out", 0, np.random.default_rng(5)
    done = False
    while not done:
        try:
            fit(sem_folder, output, resume=True, progress=_killed_at(int(order.integers(1, 180))), **_SPLIT)
            done = True
        except _KilledError:
            kills += 1
            # The plan of the other, since no two measurements give the same.
            if (output / "fit_plan.json").is_file():
                (output / "fit_plan.json").write_bytes((unbroken / "fit_plan.json").read_bytes())
        assert kills < 60
    assert kills >= 5
    for one, other in zip(_potencies(output), _potencies(unbroken), strict=True):
        assert np.array_equal(one, other)


def test_without_resume_nothing_is_overwritten(unbroken: Path, sem_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="--resume goes on with it, --force replaces it. Received: neither"):
        fit(sem_folder, unbroken, **_SPLIT)
    with pytest.raises(SettingError, match="give one of them. Received: both"):
        fit(sem_folder, unbroken, resume=True, force=True)
    # What can't be replaced is not deleted.
    for folder in (tmp_path / "absent", tmp_path):
        with pytest.raises(InputError):
            fit(folder, unbroken, force=True)
    assert (unbroken / "segmenter" / "checkpoints").is_dir() and (unbroken / "report" / "report.html").is_file()
    (tmp_path / "notes.txt").write_text("mine")
    for asked in ({}, {"force": True}, {"resume": True}):
        with pytest.raises(OutputError, match="absent or empty folder. Received: one with other files"):
            fit(sem_folder, tmp_path, **asked, **_SPLIT)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_what_ended_before_its_plan_is_asked_again_without_force(
    steady: None, sem_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output, planned = tmp_path / "out", 60.0
    with pytest.raises(InputError, match="must be an existing folder"):
        fit(tmp_path / "mistyped", output, **_SPLIT)
    with pytest.raises(SettingError, match="budget must be at least"):
        fit(sem_folder, output, budget=5, seed=3, **_SPLIT)
    # What another folder and other settings built is not taken for this folder's.
    monkeypatch.setattr(fitting, "_trained_and_judged", lambda *_: None)
    fit(sem_folder, output, budget=planned, split="4/4/2")
    kept = json.loads((output / "fit_request.json").read_text())
    assert (kept["budget"], kept["split"], kept["seed"]) == (planned, "4/4/2", 0)
    assert copper_tf.open_dataset(output / "dataset").split_sizes["train"] < 18
    with pytest.raises(OutputError, match="holds a fit"):
        fit(sem_folder, output, **_SPLIT)


@pytest.mark.slow
def test_pictures_that_give_no_map_end_in_a_report_that_says_so(
    quick: None, sem_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    # No surface is different enough.
    monkeypatch.setattr(free_ends, "MIN_VARIANCE", 1.0)
    assert main(["fit", str(sem_folder), "-o", str(tmp_path / "out"), "--split", "6/2/2"]) == 1
    said = capfd.readouterr().out
    assert "maps: not supported" in said and "nothing was learned that depends on t" in said
    assert (tmp_path / "out" / "report" / "report.html").is_file()
    assert not (tmp_path / "out" / "segmenter_model").exists() and (tmp_path / "out" / "classifier_model").exists()


def _asked(output: Path, **values: Any) -> None:
    """The folder of a fit that was asked for and then killed."""
    (output / "check").mkdir(parents=True)
    write_json(output / "fit_request.json", fitting._request(output, False, values))


def test_resume_takes_what_is_not_given_and_refuses_what_differs(tmp_path: Path) -> None:
    output = tmp_path / "out"
    _asked(output, folder=str(tmp_path), seed=3, split="6/2/2", budget=12.0)
    kept = fitting._request(output, True, {"folder": str(tmp_path), "split": "6/2/2"})
    assert (kept["seed"], kept["split"], kept["budget"], kept["bar"]) == (3, "6/2/2", 12.0, "auto")
    for name, value in {"folder": "elsewhere", "seed": 4, "split": "4/4/2", "budget": 60.0}.items():
        with pytest.raises(RunError, match=f"fit's own settings, {name} = .* Received: {name} = "):
            fitting._request(output, True, {name: value})
    with pytest.raises(RunError, match="folder = .* Received: folder = "):
        fit(tmp_path / "another", output, resume=True)


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_one_fold_can_be_fitted(sem_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "LEAST_CROPS", 1)
    settings: dict[str, Any] = {"folds": 3, "fold": 2}
    fit(sem_folder, tmp_path / "out", **settings)
    dataset = copper_tf.open_dataset(tmp_path / "out" / "dataset")
    assert (dataset.folds, dataset.fold) == (3, 2)
    assert open_run(tmp_path / "out" / "segmenter").data["fold"] == 2
    again = fit(sem_folder, tmp_path / "out", resume=True, **settings)
    assert again.report and again.report.page.is_file()


def test_unknown_settings_and_folds_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="unknown setting; known are split, .* Received: epochs"):
        fit(tmp_path, tmp_path / "out", epochs=3)
    with pytest.raises(SettingError, match="fold must be chosen, from 1 to 5, since .* Received: 0"):
        fit(tmp_path, tmp_path / "out", folds=5)
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_what_goes_wrong_in_training_is_no_verdict(
    quick: None, sem_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def diverged(*_: Any, **__: Any) -> None:
        raise InputError("training diverged")

    monkeypatch.setattr(fitting, "train", diverged)
    with pytest.raises(InputError, match="training diverged"):
        fit(sem_folder, tmp_path / "out", **_SPLIT)


def test_an_unsound_folder_ends_before_any_training(tmp_path: Path) -> None:
    world = {"labels": 3, "pictures": 6, "sheets": 3, "height": 64, "width": 80, "world": "confound"}
    folder = copper_tf.simulate(tmp_path / "sem", **world)
    with pytest.raises(
        InputError, match=r"must be sound to learn from; .*check\.html shows all. Received: mean bright"
    ):
        fit(folder, tmp_path / "out", split="1/1/1")
    assert {p.name for p in (tmp_path / "out").iterdir() if p.is_dir()} == {"check"}


def test_a_handful_of_pictures_ends_before_any_training(tmp_path: Path) -> None:
    world = {"labels": 2, "pictures": 3, "sheets": 3, "height": 128, "width": 128}
    folder = copper_tf.simulate(tmp_path / "sem", **world)
    with pytest.raises(InputError, match="must hold at least 24 crops of 128 px .* Received: 2 pictures that hold 2"):
        fit(folder, tmp_path / "out", split="1/1/1")
    assert {p.name for p in (tmp_path / "out").iterdir() if p.is_dir()} == {"check", "dataset"}


@pytest.mark.parametrize("budget", [0, -5, float("nan"), float("inf")])
def test_a_budget_is_positive(sem_folder: Path, tmp_path: Path, budget: float) -> None:
    with pytest.raises(SettingError, match="budget must be a positive number of minutes. Received: "):
        fit(sem_folder, tmp_path / "out", budget=budget)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("text", "minutes"), [("90", 90), ("90m", 90), ("90min", 90), ("1.5h", 90)])
def test_a_budget_is_read_in_minutes_and_hours(
    text: str, minutes: float, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: dict[str, Any] = {}

    def noted(*_: Any, **given: Any) -> None:
        asked.update(given)
        raise InputError("enough")

    monkeypatch.setattr("copper_tf.cli.fit.fit", noted)
    assert main(["fit", "x", "-o", str(tmp_path / "out"), "--budget", text]) == 2
    assert asked["budget"] == minutes


def test_a_budget_that_is_no_time_is_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", "x", "-o", "y", "--budget", "soon"]) == 2
    assert "must be minutes or hours, as 90, 90m or 1.5h. Received: 'soon'" in " ".join(capfd.readouterr().err.split())


@pytest.fixture
def steady(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step takes a second, inference nothing."""
    monkeypatch.setattr(fitting, "LEAST_CROPS", 1)
    monkeypatch.setattr(plan, "measure_speed", lambda *_: Speed(step=0.5, fed_step=1.0, pixel=0.0))


def _no_texture(pixels: float, pictures: int) -> float:
    """Seconds that simpler methods take for pictures of any size."""
    return 0.0


def _configs(dataset: Any) -> dict[str, Any]:
    count = dataset.split_sizes["train"]
    return {kind: default_config(kind).for_pictures(count) for kind in ("classifier", "segmenter")}


@pytest.mark.parametrize(
    ("budget", "segmenter", "classifier"), [(1e6, 1334, 1334), (6000, 893, 892), (3000, 445, 353), (1800, 445, 12)]
)
def test_both_models_share_the_time_that_is_left(
    budget: float, segmenter: int, classifier: int, steady: None, dataset: Any
) -> None:
    seconds, epochs, each = plan.plan_stages(_configs(dataset), dataset, budget, _no_texture)
    # 18 pictures: 2 steps of 16, or 3 of 8; 24,000 crops are 1,334 epochs, and two tries of 2,000 are expected.
    assert each == 3 + plan._EPOCH and epochs == {"segmenter": segmenter, "classifier": classifier}
    taken = {"segmenter": (segmenter + 2 * 112) * (2 + plan._EPOCH) + 3 * plan._START}
    assert seconds["segmenter"] == pytest.approx(taken["segmenter"], rel=0.01)
    assert sum(seconds.values()) * plan.FITS <= budget
    if budget < 1e6:
        assert budget < (sum(seconds.values()) + each) * plan.FITS


def test_what_the_segmenter_takes_longer_is_made_up_for_by_the_classifier() -> None:
    first = FitPlan(
        10.0, {"segmenter": 200.0, "classifier": 300.0, "report": 60.0}, {"segmenter": 9, "classifier": 150}, 2.0
    )
    # 40 s are left in the budget: 30 more of them cost nothing, 100 more cost 60 s, which are 30 epochs.
    assert first.after_segmenter(230.0).epochs == first.after_segmenter(150.0).epochs == first.epochs
    later = first.after_segmenter(300.0)
    assert later.epochs == {"segmenter": 9, "classifier": 120} and later.minutes == pytest.approx(10)
    # It keeps its least epochs, whatever that takes.
    assert first.after_segmenter(5000.0).epochs["classifier"] == fitting._LEAST_EPOCHS


def test_a_budget_that_is_too_small_says_what_is_needed(steady: None, sem_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="budget must be at least [0-9]+ minutes .* Received: 5") as error:
        fit(sem_folder, tmp_path / "out", budget=5, **_SPLIT)
    needed = float(str(error.value).split("at least ")[1].split()[0])
    assert not (tmp_path / "out" / "segmenter").exists()
    dataset = copper_tf.open_dataset(tmp_path / "out" / "dataset")
    assert plan.plan_stages(_configs(dataset), dataset, needed * 60, _no_texture)[1]["classifier"] >= 10
    assert plan.plan_stages(_configs(dataset), dataset, (needed - 1) * 60, _no_texture)[1]["classifier"] < 10


def test_pictures_so_many_that_few_epochs_are_enough_are_not_asked_for_more_time(
    steady: None, dataset: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config, "ENOUGH_CROPS", 18 * 3)
    assert fitting._planned(dataset, 60, 0).epochs == {"segmenter": 3, "classifier": 3}


@pytest.mark.parametrize("kind", ["classifier", "segmenter"])
def test_steps_and_maps_are_timed(eager: None, dataset: Any, kind: str) -> None:
    tries = {"restarts": 0} if kind == "segmenter" else {}
    small = default_config(kind, crop=32, c=2, d=1, batch_size=4, epochs=1, **tries)
    speed = measure_speed(small, dataset, 64)
    # A step takes longer than mapping its crops does.
    assert speed.step > speed.pixel * 4 * 32 * 32 > 0
    assert speed.fed_step > 0


def test_a_step_is_timed_with_the_cutting_of_its_crops(
    eager: None, dataset: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = default_config("classifier", crop=32, c=2, d=1, n=1, batch_size=2, epochs=1)
    cut = CropStream.batch

    def slowly(self: CropStream, number: int) -> Any:
        time.sleep(1.0)
        return cut(self, number)

    monkeypatch.setattr(CropStream, "batch", slowly)
    # Two at a time are cut, and a step of so small a network takes far less.
    assert 0.3 < measure_speed(small, dataset, 64).fed_step < 1.5


def test_the_texture_of_a_large_picture_takes_longer_up_to_a_number_of_windows() -> None:
    seconds = {side: min(texture_seconds(side**2, 1) for _ in range(3)) for side in (64, 256, 4096)}
    # A sixteenth of a window, one, and as many as are looked at; a busy machine times one thing twice as long.
    assert 4 < seconds[256] / seconds[64] < 64 and 4 < seconds[4096] / seconds[256] < 40


@pytest.mark.parametrize("text", ["[" * 10**5, "{", "3"])
def test_a_fit_whose_request_is_damaged_or_whose_folder_has_links_is_one_line(text: str, tmp_path: Path) -> None:
    (tmp_path / "fit").mkdir()
    (tmp_path / "fit" / fitting._MARK).write_text(text)
    with pytest.raises(RunError, match="must be what copper fit wrote. Received: "):
        fit(tmp_path, tmp_path / "fit", resume=True)
    (tmp_path / "fit" / "report").symlink_to(tmp_path)
    with pytest.raises(RunError, match="report: must lie in .*fit. Received: a link that leaves it"):
        fit(tmp_path, tmp_path / "fit", resume=True)
