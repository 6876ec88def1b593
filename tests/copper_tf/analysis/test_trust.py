"""Trust tests tell maps that are known to be local from maps that are known to be painted; and what is made of them."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from copper_tf.analysis.evaluation_results import Evaluation
from copper_tf.analysis.trust.agreement import agreement, check_others
from copper_tf.analysis.trust.chimera import Sample, chimeras, join_halves, side_scores
from copper_tf.analysis.trust.deletion import SHARES, delete, deletion_scores, region
from copper_tf.analysis.trust.stability import brightness_errors, shift_error
from copper_tf.analysis.trust.trust import trust
from copper_tf.analysis.trust.verdict import EXAMPLES, NOT_SUPPORTED, SUPPORTED, TESTS, UNDECIDED, judge, verdict
from copper_tf.cli.main import main
from copper_tf.data.normalisation import Normalisation
from copper_tf.runs.run import Run, open_run
from copper_tf.statistics.scores import potency_scores
from tfds_copper.errors import RunError

SIDE = 128
WIDTH = 30


def _surface(seed: int, share: float) -> np.ndarray:
    """Noise that is loud over that share of the picture, in areas some 30 px wide, and quiet elsewhere."""
    draw = np.random.default_rng(seed)
    field = ndimage.gaussian_filter(draw.normal(size=(SIDE, SIDE)), 8, mode="wrap")
    rough = field >= np.quantile(field, 1 - share) if share else np.zeros((SIDE, SIDE), bool)
    return (draw.normal(size=(SIDE, SIDE)) * np.where(rough, 2.0, 0.2)).astype(np.float32)


def _local(values: np.ndarray) -> np.ndarray:
    """Rough where the noise of the 9 px around is loud."""
    return (ndimage.uniform_filter(values**2, 9) > 1).astype(np.float32)


def _painter(values: np.ndarray) -> np.ndarray:
    """An even map of the mean that the loudness of the whole picture stands for under another law."""
    loud = float(np.clip((values**2).mean() / 4, 0, 1))
    ripple = 0.05 * np.sin(np.arange(values.shape[1]) / 20)
    return (np.clip(1 - (1 - loud) ** 4, 0.05, 0.95) + np.broadcast_to(ripple, values.shape)).astype(np.float32)


def _samples(draw: Any, share: float, count: int = 3, seed: int = 0) -> list[Sample]:
    surfaces = [_surface(seed + k, share) for k in range(count)]
    return [Sample(s, draw(s), str(k)) for k, s in enumerate(surfaces)]


def _chimera_scores(draw: Any, ends: tuple[float, float] = (1.0, 0.0)) -> dict[str, float]:
    pairs = zip(_samples(draw, ends[0]), _samples(draw, ends[1], seed=10), strict=True)
    return side_scores([c for pair in pairs for c in chimeras(*pair, draw)])


def test_what_is_joined_stays_in_its_place() -> None:
    first, second = np.arange(12).reshape(3, 4), -np.arange(12).reshape(3, 4)
    assert (join_halves(first, second, 1)[:, :2] == first[:, :2]).all() and (
        join_halves(first, second, 1)[:, 2:] <= 0
    ).all()
    assert (join_halves(first, second, 0)[:1] == first[:1]).all() and (
        join_halves(first, second, 0)[1:] == second[1:]
    ).all()


def test_a_chimera_is_mapped_in_all_four_ways_at_the_size_both_share() -> None:
    first = _samples(_local, 1.0, 1)[0]
    small = Sample(first.values[:100, :90], first.mask[:100, :90], "small")
    made = list(chimeras(first, small, _local))
    assert [c.axis for c in made] == [1, 1, 0, 0]
    assert all(c.mask.shape == c.expected.shape == (100, 90) for c in made)
    assert made[0].like_first[:, :45].all() and not made[0].like_first[:, 45:].any()
    assert (made[0].like_first == ~made[1].like_first).all() and (made[2].like_first == ~made[3].like_first).all()


def test_the_chimera_tells_a_local_map_from_a_painted_one() -> None:
    local, painted = _chimera_scores(_local), _chimera_scores(_painter)
    assert local["additivity"] <= 0.02 and local["side_auc"] >= 0.95 and local["side_kept"] >= 0.95
    assert painted["additivity"] >= 0.03 and painted["side_auc"] < 0.8 and painted["side_kept"] < 0.8


def test_ends_that_are_no_pure_phases_are_measured_by_what_is_kept() -> None:
    local = _chimera_scores(_local, (0.75, 0.25))
    assert local["whole_auc"] < 0.9 and local["side_auc"] < 0.9
    assert local["side_kept"] >= 0.95 and local["additivity"] <= 0.02
    nothing = side_scores([])
    assert all(math.isnan(v) for v in nothing.values())


def test_the_higher_end_may_be_the_last() -> None:
    pairs = zip(_samples(_local, 0.0), _samples(_local, 1.0, seed=10), strict=True)
    made = [c for pair in pairs for c in chimeras(*pair, _local)]
    assert side_scores(made, rising=True)["side_auc"] >= 0.95 > 0.1 > side_scores(made)["side_auc"]


@pytest.mark.parametrize("share", SHARES)
def test_regions_have_their_share_and_are_highest_or_lowest(share: float) -> None:
    mask = _samples(_local, 0.5, 1)[0].mask
    top, low = (region(mask, share, WIDTH, top=t) for t in (True, False))
    assert top.sum() == low.sum() == round(share * mask.size) and not (top & low).any()
    assert mask[top].mean() > 0.9 and mask[low].mean() < 0.1
    # In pieces, not crumbs: a median over 5x5 px changes next to nothing.
    assert np.mean(ndimage.median_filter(top, 5) != top) < 0.01


@pytest.mark.parametrize(("draw", "faithful"), [(_local, True), (_painter, False)])
def test_deletion_tells_a_faithful_map(draw: Any, faithful: bool) -> None:
    pictures, donors = _samples(draw, 0.5), _samples(draw, 0.0, seed=20)
    made = [
        delete(p, d, share, WIDTH, draw, top=top)
        for p, d in zip(pictures, donors, strict=True)
        for share in SHARES
        for top in (True, False)
    ]
    scores = deletion_scores(made)
    limits = {test.name: test for test in TESTS}
    assert (limits["deletion_error"].outcome(scores["deletion_error"]) == "passed") is faithful
    assert scores["deletion_error"] == pytest.approx(abs(1 - scores["deletion_ratio"]))
    if faithful:
        assert limits["deletion_control"].outcome(scores["deletion_control"]) == "passed"


def test_nothing_to_delete_is_unknown() -> None:
    empty, donors = _samples(_local, 0.0, 1), _samples(_local, 0.0, 1, seed=20)
    assert math.isnan(deletion_scores([delete(empty[0], donors[0], 0.1, WIDTH, _local)])["deletion_ratio"])


def _coarse(values: np.ndarray) -> np.ndarray:
    """The mean of each 4x4 block: exact for shifts by 4 px, wrong for 1 px."""
    blocks = values.reshape(values.shape[0] // 4, 4, values.shape[1] // 4, 4).mean((1, 3))
    return np.repeat(np.repeat(blocks, 4, 0), 4, 1)


def test_shifts_by_a_pixel_show_a_grid() -> None:
    values = np.random.default_rng(0).random((64, 80)).astype(np.float32)
    assert shift_error(values, lambda v: v, 8, 2) == 0
    assert shift_error(values, _coarse, 8, 2) > 0.02
    assert math.isnan(shift_error(values[:8, :8], lambda v: v, 8, 2))


def test_brightness_goes_through_the_runs_own_normalisation() -> None:
    grey = np.random.default_rng(0).normal(0.5, 0.1, (64, 64)).astype(np.float32)

    def draw(values: np.ndarray) -> np.ndarray:
        return values**2

    gain, offset = brightness_errors(grey, Normalisation("dataset", 0.5, 0.1, 31), draw)
    assert gain == pytest.approx(0.2, rel=0.05) and offset == pytest.approx(0.01, abs=0.005)
    assert max(brightness_errors(grey, Normalisation("picture", 0.5, 0.1, 31), draw)) < 1e-5


def test_agreement_of_seeds() -> None:
    draw = np.random.default_rng(0)
    maps = [draw.random((60, 60)).astype(np.float32) for _ in range(4)]
    same = agreement([maps[:2], maps[:2]])
    assert same["seed_correlation"] == pytest.approx(1) and same["seed_iou"] == 1
    other = agreement([maps[:2], maps[2:]])
    assert abs(other["seed_correlation"]) < 0.1 and other["seed_iou"] == pytest.approx(1 / 3, abs=0.03)
    assert math.isnan(agreement([maps])["seed_correlation"])


GOOD = {test.name: test.passes for test in TESTS}
DECISIVE = [test.name for test in TESTS if test.decisive]


def test_the_limits_stand_where_the_science_puts_them() -> None:
    limits = {test.name: (test.passes, test.fails) for test in TESTS}
    assert limits["binarity"] == (0.6, 0.5) and limits["additivity"] == (0.04, 0.1)
    assert limits["reach_ratio"][0] == 2 and limits["side_auc"][0] == 0.95
    assert set(DECISIVE) == {
        "nmse", "binarity", "phase_drift", "mixture", "additivity", "reach_ratio", "deletion_error"
    }  # fmt: skip
    assert limits["phase_drift"] == (0.25, 0.36) and limits["mixture"] == (0.025, 0.04)
    reach = next(test for test in TESTS if test.name == "reach_ratio")
    assert reach.outcome(2) == "passed" and reach.outcome(2.001) == "unknown"
    assert reach.outcome(4) == "failed"


@pytest.mark.parametrize("test", TESTS, ids=lambda t: t.name)
def test_every_test_can_pass_fail_and_be_open(test: Any) -> None:
    assert test.outcome(test.passes) == "passed" and test.meaning(test.passes) == test.good
    assert test.outcome(test.fails) == "failed" and test.meaning(test.fails) == test.bad
    assert test.outcome(math.nan) == "unknown" and test.missing in test.meaning(math.nan)
    if not math.isclose(test.passes, test.fails):
        between = (test.passes + test.fails) / 2
        assert test.outcome(between) == "unknown" and "between" in test.meaning(between)


@pytest.mark.parametrize("name", DECISIVE)
def test_one_decisive_failure_is_enough(name: str) -> None:
    (test,) = (t for t in TESTS if t.name == name)
    outcome, reasons = verdict(judge(GOOD | {name: test.fails}))
    assert outcome == NOT_SUPPORTED and reasons == (f"{test.title}: {test.bad}",)
    if test.spared:
        return
    outcome, reasons = verdict(judge(GOOD | {name: math.nan}))
    assert outcome == UNDECIDED and len(reasons) == 1 and test.missing in reasons[0]


def test_all_decisive_tests_support_and_others_qualify() -> None:
    assert verdict(judge(GOOD))[0] == SUPPORTED
    outcome, reasons = verdict(judge(GOOD | {"shift": 1.0, "seed_correlation": math.nan}))
    assert outcome == SUPPORTED and len(reasons) == len(DECISIVE) + 1 and "shift by one pixel changes" in reasons[-1]
    assert verdict(judge({}))[0] == UNDECIDED


def _reseeded(run: Run, path: Path, **settings: Any) -> Run:
    """A copy of a run whose config says something else."""
    shutil.copytree(run.path, path)
    (path / "config.json").write_text(run.config.replace(**settings).to_json())
    return open_run(path)


def test_others_must_differ_in_their_seed_alone(runs: dict[str, Any], tmp_path: Path) -> None:
    run = runs["segmenter"]
    check_others(run, [_reseeded(run, tmp_path / "a", seed=5)])
    for other, reason in (
        (runs["classifier"], "must be a segmenter .* Received: classifier"),
        (_reseeded(run, tmp_path / "b", seed=5, epochs=3), "but the seed, epochs = 2. Received: epochs = 3"),
        (run, "a seed of its own. Received: 0 a second time"),
        (Run(**{**vars(run), "data": {**run.data, "fingerprint": "x"}}), "dataset of .* Received: another one"),
    ):
        with pytest.raises(RunError, match=reason):
            check_others(run, [other])
    with pytest.raises(RunError, match="only a segmenter has maps to trust. Received: a classifier"):
        trust(runs["classifier"])


def test_the_command_writes_what_the_pages_show(
    runs: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = _reseeded(runs["segmenter"], tmp_path / "run", seed=0)
    other = _reseeded(runs["segmenter"], tmp_path / "other", seed=1)
    code = main(["trust", str(run.path), str(other.path)])
    told = json.loads(run.scores_file("trust").read_text())
    assert code == (1 if told["verdict"] == NOT_SUPPORTED else 0)
    # Six test pictures are few: those of validation are looked at too.
    assert told["splits"] == ["validation", "test"] and told["pictures"] == 12
    table = run.read(Evaluation).pictures.arrays()
    m, labels, t = (table[name][table["split"] != "train"] for name in ("potency", "label", "t"))
    due = potency_scores({"potency": m, "g": np.array(run.hypothesis)[labels], "t": t})["nmse"]
    values = {test["name"]: test["value"] for test in told["tests"]}
    assert values["nmse"] == pytest.approx(due, rel=1e-4)
    # The other run has the same weights here, so it draws the same maps.
    assert values["seed_correlation"] == pytest.approx(1) and told["values"]["seed_iou"] == 1
    assert all(math.isfinite(values[name]) for name in ("additivity", "shift", "gain", "offset"))
    with np.load(run.path / "scores" / EXAMPLES) as kept:
        assert kept["chimera_map"].shape == kept["pasted"].shape == (64, 80)
    shown = capsys.readouterr().out
    assert f"maps: {told['verdict']}" in shown and "not by adhesion" in shown
    page = Path(shown.splitlines()[-1])
    for text in (page.read_text(), (run.path / "report" / "evaluation.html").read_text()):
        assert "not by adhesion" in text and f"<strong>{told['verdict']}</strong>" in text
        assert all(test["title"] in text for test in told["tests"])
    for name in ("limits", "chimera", "deletion"):
        picture = np.asarray(Image.open(run.path / "report" / "figures" / f"{name}.png").convert("L"))
        assert picture.shape[1] >= 700 and picture.std() > 5
    assert main(["trust", str(run.path), str(runs["segmenter"].path)]) == 2
    assert "a seed of its own. Received: 0 a second time" in capsys.readouterr().err


def test_the_painter_decides_by_the_whole_picture() -> None:
    from benchmarks.acceptance.painter import PAINTER
    from copper_tf.models.factory import build
    from tests.conftest import small

    first = np.random.default_rng(0).normal(size=(1, 64, 256, 1)).astype(np.float32)
    second = first * np.where(np.arange(256) < 128, 1, 3)[:, None].astype(np.float32)
    for decoder, local in (("unet", True), (PAINTER, False)):
        model = build(small("segmenter", decoder=decoder), 3)
        maps = [np.asarray(model(x, training=False)) for x in (first, second)]
        assert maps[0].shape == first.shape
        # The halves differ on the right alone; what is far to the left of them is none of a local network's business.
        assert bool(np.abs(maps[0] - maps[1])[:, :, :64].max() < 1e-6) is local
