"""What a report collects: sheets, settings of the microscope, the pictures of page one, and which runs go together."""

from __future__ import annotations

import dataclasses
import json
import math
import shlex
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from copper_tf.analysis.evaluation_results import Evaluation, LabelMean, OutOfDistribution, PictureColumns, SplitScores
from copper_tf.cli.main import main
from copper_tf.config import KINDS, Config, default_config
from copper_tf.reports.full.acquisition import acquisition, read_records, summarise_values
from copper_tf.reports.full.examples import BEST, TYPICAL, WORST, choose_examples, map_examples
from copper_tf.reports.full.models import open_models
from copper_tf.reports.full.results import Acquisition, AcquisitionSetting, Report, ReportDataset, ReportedModel
from copper_tf.reports.full.summary import answers, limits_of, one_sentence, sound
from copper_tf.runs.labels import Labels
from copper_tf.runs.provenance import build_command, sha256, training_command, training_cost
from copper_tf.runs.records import HypothesisRecord
from copper_tf.statistics.bootstrap import sheet_means
from tfds_copper.copper_sem.metadata import DatasetMetadata
from tfds_copper.errors import RunError


def test_means_of_sheets_by_hand() -> None:
    """Scatter is pooled in a label: (0.02 + 0.02 + 0) / 3 degrees of freedom at label 0, none at label 1."""
    values = np.array([0.1, 0.3, 0.5, 0.7, 0.6, 0.9])
    found = sheet_means(values, ["a", "a", "b", "b", "b", "a"], np.array([0, 0, 0, 0, 0, 1]))
    assert [(r["sheet"], r["label"], r["pictures"]) for r in found] == [("a", 0, 2), ("b", 0, 3), ("a", 1, 1)]
    assert found[0]["mean"] == pytest.approx(0.2) and found[1]["mean"] == pytest.approx(0.6)
    half = stats.t.ppf(0.975, 3) * math.sqrt((0.02 + 0.02) / 3)
    for row in found[:2]:
        wide = half / math.sqrt(row["pictures"])
        assert row["interval"] == pytest.approx([row["mean"] - wide, row["mean"] + wide])
    assert found[2]["interval"] is None


@pytest.mark.parametrize(
    ("values", "unit", "text"),
    [
        ([100.0, 100.0], "nm", "100 nm"),
        ([5.0, 10.0, 5.0], "kV", "5 kV (2), 10 kV (1)"),
        ([1.0, 2.0, 3.0, 4.0, 5.5], "mm", "1 to 5.5 mm"),
        (["SE", "BSE", "BSE"], "", "BSE (2), SE (1)"),
        (list("abcdef"), "", "a (1), b (1), c (1), d (1) and 2 more"),
        ([10000.0, 20000.0], "", "10,000 (1), 20,000 (1)"),
    ],
)
def test_settings_in_a_few_words(values: list[Any], unit: str, text: str) -> None:
    assert summarise_values(values, unit) == text


def test_the_table_of_acquisition_says_what_is_known_and_what_is_not() -> None:
    common = {"size": "1280 × 960", "bit_depth": 8, "pixel_size_nm": 99.2, "bar": 64}
    rows = [
        {**common, "vendor": "Hitachi", "voltage_kv": 15.0, "date": "2019-03-01T10:00"},
        {**common, "vendor": "Hitachi", "working_distance_mm": 8.1, "date": "2019-03-04", "pixel_size_nm": math.nan},
    ]
    table = acquisition(rows)
    known = {setting.name: (setting.value, setting.known) for setting in table.settings}
    assert known["vendor"] == ("Hitachi", 2) and known["accelerating voltage"] == ("15 kV", 1)
    assert known["pixel size"] == ("99.2 nm", 1) and table.pixel_size_nm == (99.2, 99.2)
    assert known["picture size"] == ("1280 × 960 px", 2) and known["information bar cut off"] == ("64 rows (2)", 2)
    assert known["date"] == ("2019-03-01 to 2019-03-04 (2 days)", 2)
    assert {"magnification", "detector", "stage tilt"} <= set(table.unknown)


def test_records_tell_how_pictures_were_taken_without_decoding_them(dataset: Any) -> None:
    rows = read_records(dataset)
    assert len(rows) == 30 and {row["size"] for row in rows} == {"80 × 64"}
    assert {row["bit_depth"] for row in rows} == {8} and len({row["pixel_size_nm"] for row in rows}) == 1


def _scores(potency: list[float], label: int = 0) -> Evaluation:
    """The evaluation of a segmenter of two labels; the first picture is of training."""
    n = len(potency)
    pictures = PictureColumns(
        file=tuple(f"{k}.png" for k in range(n)),
        split=("train", *["test"] * (n - 1)),
        t=(float(label),) * n,
        label=(label,) * n,
        sheet=("s",) * n,
        potency=tuple(potency),
    )
    return Evaluation(
        kind="segmenter",
        labels=Labels((0.0, 1.0), ""),
        hypothesis=HypothesisRecord("anchors", "anchors", (1.0, math.nan)),
        folds=0,
        caveats=(),
        splits={},
        out_of_distribution=OutOfDistribution(n - 1),
        gaps={},
        pictures=pictures,
    )


def test_the_typical_the_best_and_the_worst_picture_are_those_of_the_scores() -> None:
    typical, best, worst = choose_examples(_scores([0.0, 0.9, 0.4, 0.7]))
    assert (typical.role, typical.file) == (TYPICAL, "3.png") and typical.error == pytest.approx(0.3)
    assert (best.role, best.file) == (BEST, "1.png") and best.error == pytest.approx(0.1)
    assert (worst.role, worst.file) == (WORST, "2.png") and worst.target == 1.0
    # One picture can't stand for two: of two, the typical one has the smaller error.
    assert [picture.role for picture in choose_examples(_scores([0.0, 0.5, 0.7]))] == [TYPICAL, WORST]
    assert [picture.role for picture in choose_examples(_scores([0.0, 0.5]))] == [TYPICAL]


def test_without_a_g_a_picture_is_held_against_its_label() -> None:
    assert choose_examples(_scores([0.0, 0.2, 0.4, 0.9], label=1))[-1].error == pytest.approx(0.9 - 0.5)


def test_pictures_of_page_one_have_the_potency_of_their_scores(runs: dict[str, Any]) -> None:
    (model,) = open_models([runs["segmenter"].path])
    scores = model.pooled.read(Evaluation)
    images, pictures = map_examples(model, scores), choose_examples(scores)
    assert [image.file for image in images] == [picture.file for picture in pictures]
    for image, picture in zip(images, pictures, strict=True):
        assert image.potency is not None and image.potency.mean() == pytest.approx(picture.answer, abs=1e-5)
        assert image.shape == (64, 80) == image.pixels.shape


def _copy(run: Any, path: Path, **data: Any) -> Path:
    shutil.copytree(run.path, path)
    (path / "data.json").write_text(json.dumps({**run.data, **data}))
    return path


def test_runs_of_two_datasets_are_refused(runs: dict[str, Any], tmp_path: Path) -> None:
    other = _copy(runs["segmenter"], tmp_path / "other", fingerprint="0" * 64)
    with pytest.raises(RunError, match="must be of one dataset.*Received: another dataset"):
        open_models([runs["classifier"].path, other])
    with pytest.raises(RunError, match="named once"):
        open_models([runs["classifier"].path, runs["classifier"].path])
    (other / "checkpoints" / "best.weights.h5").unlink()
    with pytest.raises(RunError, match="must be trained"):
        open_models([other])


@pytest.mark.parametrize("kind", KINDS)
def test_the_command_that_trains_has_no_flag_that_its_verb_lacks(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    own = {"time_scale": "rank", "restart_epochs": 3} if kind == "segmenter" else {}
    config = default_config(kind, batch_size=4, policy="float32", seed=7, **own)
    words = training_command(config, "no/such data", "RUN").split(" ", 1)[1]
    assert ("--time-scale rank" in words) == (kind == "segmenter")
    assert "--batch-size 4 --policy float32 --seed 7" in words
    assert main([*shlex.split(words), "--dry-run"]) == 0
    printed = Config.from_dict(json.loads(capsys.readouterr().out)).flat()
    assert printed == config.flat()


def test_the_command_that_builds_and_what_training_took(dataset: Any, runs: dict[str, Any]) -> None:
    assert build_command(dataset.metadata) == "copper build copper -o DATA --split 6/2/2"
    cost = training_cost(runs["segmenter"])
    assert cost is not None and cost.steps == 2 * math.ceil(18 / 6) and cost.record.receptive_field_px == 36


def test_a_hash_is_that_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def _report(metadata: DatasetMetadata, nmse: float, trust: str | None, groups: int = 12) -> Report:
    """A report of one segmenter, of which only what is said in sentences is known."""
    model = ReportedModel(
        name="m",
        kind="segmenter",
        grouping="one run",
        runs=1,
        seeds=(0,),
        config=default_config("segmenter").flat(),
        hypothesis=HypothesisRecord("linear", "fixed", (1.0, 0.0)),
        hypothesis_note="",
        caveats=("the network sees too far",),
        splits={"test": SplitScores(24, groups, "sheets", {"nmse": nmse}, {"nmse": None})},
        gaps={},
        reference=(),
        out_of_distribution=OutOfDistribution(24),
        cost=(),
        weights=(),
        trust=trust,
        baselines=False,
    )
    return Report(
        created="2026-01-01T00:00:00+00:00",
        labels=Labels((0.0, 2.5), "h"),
        first="m",
        models=(model,),
        sheets=(),
        examples=(),
        acquisition=Acquisition(3, (AcquisitionSetting("pixel size", "99 nm", 3),), (), None),
        dataset=ReportDataset("copper", metadata, (), 24, 0),
        comparison=None,
        seeds=None,
        hypotheses=None,
        blindtest=None,
        missing=(),
        commands=(),
        software={},
    )


@pytest.mark.parametrize(
    ("nmse", "trust", "words", "good"),
    [
        (0.1, "supported", "follows the hypothesis with an NMSE of 0.10; image statistics support", True),
        (0.1, "not supported", "is not supported by image statistics", False),
        (0.1, None, "was not tested", True),
        (1.2, "undecided", "does not follow the hypothesis: an NMSE of 1.20, where a constant reaches 1; image", False),
    ],
)
def test_the_sentence_says_what_scores_and_trust_say(
    nmse: float, trust: str | None, words: str, good: bool, dataset: Any
) -> None:
    report = _report(dataset.metadata, nmse, trust)
    sentence = one_sentence(report)
    assert words in sentence and sentence.endswith(".") and sentence.count(".\n") == 0
    assert sound(report) is good


@pytest.mark.parametrize(
    ("trust", "believed", "next_step"),
    [
        ("supported", "Yes, as far as pictures can tell.", "<code>copper predict &lt;m&gt; PICTURES -o MAPS</code>"),
        ("not supported", "No.<ul><li>binarity: B &lt; 0.5</li></ul>", "use the maps"),
        ("undecided", "Undecided.<ul><li>binarity: B &lt; 0.5</li></ul>", "another seed"),
        (None, "This was not tested.", "<code>copper trust &lt;m&gt;</code>"),
    ],
)
def test_page_one_answers_what_a_reader_asks_first(
    trust: str | None, believed: str, next_step: str, dataset: Any
) -> None:
    report = _report(dataset.metadata, 0.1, trust)
    means = (LabelMean(0, 0.74, (0.7, 0.78), 4, 12), LabelMean(1, 0.3, None, 1, 3))
    model = dataclasses.replace(
        report.models[0],
        name="<m>",
        trust_reasons=("binarity: B < 0.5",),
        label_means=means,
        law="f(t) = 1 - (t/2.5 h)",
    )
    found = dict(answers(dataclasses.replace(report, first="<m>", models=(model,))))
    good = "The potency is 0.74 (0.70 to 0.78) at t = 0 h and 0.30 at t = 2.5 h"
    assert found["How good is the surface?"].startswith(good)
    assert found["By what law does it decay?"].startswith("f(t) = 1 - (t/2.5 h). Here f is the potency on a scale")
    assert found["Can the maps be believed?"] == believed and next_step in found["What next?"]


def test_limits_name_adhesion_the_settings_and_the_caveats(dataset: Any) -> None:
    text = " ".join(limits_of(_report(dataset.metadata, 0.1, None, groups=3)))
    assert "No adhesion was measured" in text and "pixel size 99 nm" in text and "The network sees too far." in text
    assert "24 test pictures of 3 sheets" in text and "Fewer than 5 give no interval" in text


def test_a_calibration_says_more_than_pictures_do(dataset: Any) -> None:
    calibration = SimpleNamespace(sheets=(1, 2, 3), strength="peel_N_per_mm")
    report = dataclasses.replace(_report(dataset.metadata, 0.1, "supported"), calibration=calibration)
    text = limits_of(report)[0]
    assert "by 3 sheets whose peel_N_per_mm was measured" in text and "No adhesion" not in text
    assert "Peel tests" in dict(answers(_report(dataset.metadata, 0.1, "supported")))["What next?"]
    assert "Peel tests" not in dict(answers(report))["What next?"]
