"""``copper report``: one page that says what the JSON says, a PDF, a card, and one line for what doesn't fit."""

from __future__ import annotations

import dataclasses
import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from copper_tf.analysis.trust.results import Trust
from copper_tf.cli.main import main
from copper_tf.reports.common.pdf import BROWSERS, find_browser, print_pdf
from copper_tf.reports.common.text import format_score
from copper_tf.reports.full.results import REPORT
from copper_tf.runs.provenance import sha256
from tests.blindtest_data import submit, write_test
from tfds_copper.files import write_json

needs_browser = pytest.mark.skipif(find_browser() is None, reason=f"none of {', '.join(BROWSERS)} on PATH")


@pytest.fixture(scope="module")
def no_browser() -> Any:
    """Nothing on PATH, so that tests of the page don't wait for a PDF."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", "/nowhere")
        yield


@pytest.fixture(scope="module")
def blind(runs: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a scored blind test on the dataset of the runs."""
    from copper_tf.analysis.blindtest.scoring import score

    fingerprint = runs["segmenter"].data["fingerprint"]
    test = write_test(tmp_path_factory.mktemp("blind") / "blind", fingerprint=fingerprint)
    submit(test, "Deng", [k % 4 for k in range(16)])
    score(test)
    return test.path


def test_captions_of_hypotheses_explain_what_is_drawn_and_nothing_else(hypotheses: Path) -> None:
    from copper_tf.analysis.hypotheses.results import STUDY, HypothesisStudy
    from copper_tf.reports.hypotheses.page import hypotheses_captions, hypotheses_tables

    study = HypothesisStudy.read(hypotheses / STUDY)
    (row,) = study.hypotheses
    bare = dataclasses.replace(
        study,
        hypotheses=(dataclasses.replace(row, interval=None),),
        permuted=dataclasses.replace(study.permuted, median=None),
    )
    said = " ".join(hypotheses_captions(bare).values())
    assert not any(word in said for word in ("interval", "Diamonds", "Hatched", "broken line"))
    assert "need at least 5 test sheets" in hypotheses_tables(bare)["ranked_by"]
    rich = dataclasses.replace(
        bare,
        hypotheses=(dataclasses.replace(row, interval=(0.1, 0.2)),),
        permuted=dataclasses.replace(study.permuted, median=1.0),
    )
    said = hypotheses_captions(rich)["errors"]
    assert "95 % interval" in said and "Diamonds" in said
    assert "95 % intervals" in hypotheses_tables(rich)["ranked_by"]


@pytest.fixture(scope="module")
def hypotheses(runs: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `copper hypotheses` leaves of one hypothesis on the dataset of the runs."""
    from copper_tf.analysis.hypotheses.results import STUDY
    from copper_tf.analysis.hypotheses.study import study_runs

    run, folder = runs["segmenter"], tmp_path_factory.mktemp("hypotheses") / "h"
    study_runs({"linear": [run.path]}, {}, None).write(folder / STUDY)
    return folder


@pytest.fixture(scope="module")
def report(runs: dict[str, Any], blind: Path, hypotheses: Path, tmp_path_factory: pytest.TempPathFactory,
           no_browser: None) -> Path:  # fmt: skip
    """A report of both runs with everything that can be given to it, trust and baselines but for."""
    output = tmp_path_factory.mktemp("report") / "report"
    words = [str(runs[kind].path) for kind in ("classifier", "segmenter")]
    words += ["--blindtest", str(blind), "--hypotheses", str(hypotheses), "--license", "CC-BY-4.0", "-o", str(output)]
    assert main(["report", *words]) == 0
    return output


def _json(report: Path) -> dict[str, Any]:
    return dict(json.loads((report / REPORT).read_text()))


def test_the_page_needs_nothing_else_and_shows_every_figure(report: Path) -> None:
    text = (report / "report.html").read_text()
    assert not re.findall(r"(?:src|href)\s*=\s*[\"'](?!data:)", text)
    assert "<script" not in text and "@import" not in text and "url(" not in text
    expected = {"sheets", "examples", "grades", "potency", "overlay", "truth", "curves", "potencies", "errors"}
    expected |= {f"{kind}_{name}" for kind in ("classifier", "segmenter") for name in ("network", "learning")}
    expected |= {"side_by_side", "grader_00", "grader_01"}
    assert {file.stem for file in (report / "figures").glob("*.png")} == expected
    assert text.count("<img ") == len(expected)
    alts = re.findall(r'<img alt="([^"]{20,})"', text)
    assert len(alts) == len(expected)


def test_numbers_on_the_page_are_those_of_the_json(report: Path) -> None:
    values, text = _json(report), html.unescape((report / "report.html").read_text())
    for model in values["models"]:
        for split in model["splits"].values():
            for name, value in split["scores"].items():
                written, interval = format_score(value, split["intervals"][name])
                assert f'<td>{written}</td><td class="interval">{interval}</td>' in text, (model["name"], name)
        for file in model["weights"]:
            assert file["sha256"] in text
        assert (
            f"{model['cost'][0]['record']['parameters']:,}" in text
            and f"<td>{model['cost'][0]['steps']:,}</td>" in text
        )
    nmse = values["models"][1]["splits"]["test"]["scores"]["nmse"]
    assert f"an NMSE of {nmse:.2f}" in text.split("</header>")[0]
    for row in values["acquisition"]["settings"]:
        assert f'{row["name"]}</th><td class="text">{row["value"]}</td><td>{row["known"]}</td>' in text
    assert values["dataset"]["metadata"]["fingerprint"] in text and values["hypotheses"]["verdict"] in text
    for name, version in values["software"].items():
        assert f"{name} {version}" in text


def test_the_json_holds_what_the_runs_hold(report: Path, runs: dict[str, Any]) -> None:
    values = _json(report)
    assert [m["kind"] for m in values["models"]] == ["classifier", "segmenter"] and values["first"] == "segmenter"
    for model in values["models"]:
        run = runs[model["kind"]]
        scores = json.loads(run.scores_file("evaluation").read_text())
        assert model["splits"] == scores["splits"] and model["config"] == run.config.flat()
        assert model["weights"][0]["sha256"] == sha256(run.checkpoints / "best.weights.h5")
    means = values["sheets"]
    assert sum(row["pictures"] for row in means) == 6
    assert values["comparison"]["differences"][0]["reference"] == "classifier"


def test_findings_of_the_check_are_those_of_the_dataset(report: Path, dataset: Any) -> None:
    text = html.unescape((report / "report.html").read_text())
    assert [vars(f) for f in dataset.metadata.findings] == _json(report)["dataset"]["metadata"]["findings"] != []
    for finding in dataset.metadata.findings:
        assert f'<p class="finding {finding.level}">' in text and finding.text in text


def test_what_is_missing_is_said_with_its_command(report: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (report / "report.html").read_text()
    assert "Whether the maps can be believed: <code>copper trust segmenter</code>" in text
    assert "Simpler methods beside the model: <code>copper baselines segmenter</code>" in text
    assert "Figure 7)" not in text.split("What is missing here")[1].split("</ul>")[0]


def test_the_commands_are_those_that_made_it(report: Path) -> None:
    commands = _json(report)["commands"]
    assert commands[0] == "copper build copper -o DATA --split 6/2/2"
    assert commands[-1] == "copper report classifier segmenter --blindtest blind --hypotheses h --license CC-BY-4.0"
    assert any(
        line.startswith("copper train segmenter DATA -o segmenter --preset paper --crop 48") for line in commands
    )


def test_no_path_of_this_machine_is_handed_on(report: Path, runs: dict[str, Any]) -> None:
    place = str(runs["segmenter"].path.parent.parent)
    assert str(runs["segmenter"].data["path"]).startswith("/")
    for name in (REPORT, "report.html", "MODEL_CARD.md"):
        text = (report / name).read_text()
        assert place not in text and str(runs["segmenter"].data["path"]) not in text and "/tmp/" not in text


def test_the_card_is_read_by_those_who_read_cards(report: Path) -> None:
    text = (report / "MODEL_CARD.md").read_text()
    _, front, body = text.split("---\n", 2)
    card, values = yaml.safe_load(front), _json(report)
    assert card["license"] == "CC-BY-4.0" and card["pipeline_tag"] == "image-segmentation"
    assert card["library_name"] == "copper-tf" and "materials-science" in card["tags"]
    for index, model in zip(card["model-index"], values["models"], strict=True):
        (result,) = index["results"]
        assert set(result) == {"task", "dataset", "metrics"} and result["dataset"]["type"] == "copper_sem"
        for metric in result["metrics"]:
            assert metric["value"] == model["splits"]["test"]["scores"][metric["type"]]
            assert metric["type"] in card["metrics"]
    for image, model in zip(card["bioimageio"], values["models"], strict=True):
        assert image["attachments"][0]["sha256"] == model["weights"][0]["sha256"]
        assert image["inputs"][0]["axes"][1]["id"] == "y" and image["cite"][0]["url"].startswith("https://arxiv.org")
    assert "&" + "id0" not in front and "No adhesion was measured" in body and "| NMSE |" in body


def test_card_and_page_say_what_pictures_the_model_knows(report: Path, runs: dict[str, Any]) -> None:
    values, familiar = _json(report), runs["segmenter"].reference_statistics
    first = next(m for m in values["models"] if m["name"] == values["first"])
    assert [tuple(row) for row in first["reference"]] == familiar.described()
    card, page = (report / "MODEL_CARD.md").read_text(), (report / "report.html").read_text()
    for name, value in familiar.described():
        assert f"- {name}: {value}\n" in card and f'<th scope="row">{name}</th><td class="text">{value}</td>' in page
    assert "Of 6 test pictures " in card and "Of 6 test pictures " in page


def test_without_a_browser_that_is_said(runs: dict[str, Any], tmp_path: Path, no_browser: None, capsys: Any) -> None:
    (tmp_path / "report.pdf").write_bytes(b"%PDF-old")
    assert main(["report", str(runs["classifier"].path), "-o", str(tmp_path), "--force"]) == 0
    said = capsys.readouterr().out
    assert "no PDF: a Chromium or Chrome prints it. Looked on PATH for chromium, " in said
    assert not (tmp_path / "report.pdf").exists()
    # Grades alone: no map, and what is missing says so.
    text = (tmp_path / "report.html").read_text()
    assert "missing: Potency maps" in said and "graded t = " not in text.split("</header>")[0]
    assert {"examples", "grades"} <= {file.stem for file in (tmp_path / "figures").glob("*.png")}


@pytest.mark.slow
def test_what_was_not_evaluated_is_evaluated_first(
    runs: dict[str, Any], tmp_path: Path, no_browser: None, capsys: Any
) -> None:
    run = tmp_path / "fresh"
    shutil.copytree(runs["segmenter"].path, run)
    (run / "scores" / "evaluation.json").unlink()
    assert main(["report", str(run), "-o", str(tmp_path / "r")]) == 0
    assert "not evaluated yet" in capsys.readouterr().out
    again = json.loads((run / "scores" / "evaluation.json").read_text())
    assert again["splits"]["test"]["scores"] == _json(tmp_path / "r")["models"][0]["splits"]["test"]["scores"]


@pytest.mark.slow
def test_seeds_are_one_report(runs: dict[str, Any], tmp_path: Path, no_browser: None) -> None:
    for seed in (0, 1):
        shutil.copytree(runs["segmenter"].path, tmp_path / "e" / f"seed_{seed}")
        file = tmp_path / "e" / f"seed_{seed}" / "config.json"
        config = json.loads(file.read_text())
        config["training"]["seed"] = seed
        file.write_text(json.dumps(config))
    tested = {"verdict": "undecided", "tests": [], "reasons": [], "basis": "b", "pictures": 6, "splits": ["test"]}
    tested |= {"normalisation": "dataset", "others": ["seed_1"], "values": {}, "format": Trust.FORMAT}
    write_json(tmp_path / "e" / "seed_0" / "scores" / "trust.json", tested)
    np.savez(tmp_path / "e" / "seed_0" / "scores" / "trust.npz", allow_pickle=False)
    assert main(["report", str(tmp_path / "e"), "-o", str(tmp_path / "r")]) == 0
    (model,) = _json(tmp_path / "r")["models"]
    assert model["grouping"] == "seeds" and model["seeds"] == [0, 1] and len(model["weights"]) == 2
    text = (tmp_path / "r" / "report.html").read_text()
    assert "e, seed 1" in text and "--seeds 2" in text
    # `copper trust` takes an ensemble whole and tests its first run; `copper baselines` takes one run.
    assert model["trust"] == "undecided" and "The first of the 2 seeds was tested." in text
    assert "copper trust e\n" in text and "<code>copper baselines e/seed_0</code>" in text


def test_bad_input_is_one_line(runs: dict[str, Any], blind: Path, tmp_path: Path, capsys: Any) -> None:
    def line(*words: object) -> str:
        assert main(["report", *map(str, words), "-o", str(tmp_path / "out")]) == 2
        said = capsys.readouterr().err.splitlines()
        assert len(said) == 1 and not (tmp_path / "out").exists(), said
        return str(said[0])

    run = runs["segmenter"].path
    other = tmp_path / "other"
    shutil.copytree(run, other)
    data = json.loads((other / "data.json").read_text())
    (other / "data.json").write_text(json.dumps(data | {"fingerprint": "0" * 64}))
    assert "Received: a folder that holds other: give one of these" in line(tmp_path)
    assert "Received: another dataset" in line(run, other)
    assert "blind test on the dataset of the runs" in line(other, "--blindtest", blind)
    assert "made by `copper blindtest`" in line(run, "--blindtest", tmp_path)
    assert "hypotheses.json: must be written by `copper hypotheses`" in line(run, "--hypotheses", tmp_path)
    assert "SPDX" in line(run, "--license", "do what you like")
    (blind_copy := tmp_path / "blind").mkdir()
    shutil.copy(blind / "test.json", blind_copy)
    assert "--score`. Received: no such file" in line(run, "--blindtest", blind_copy)
    (damaged := tmp_path / "damaged").mkdir()
    shutil.copytree(run, damaged, dirs_exist_ok=True)
    (damaged / "scores" / "evaluation.json").write_text("{")
    assert "evaluation.json: must be JSON" in line(damaged)


def test_a_report_is_not_replaced_unasked(report: Path, runs: dict[str, Any], capsys: Any) -> None:
    before = (report / "report.html").read_bytes()
    assert main(["report", str(runs["segmenter"].path), "-o", str(report)]) == 2
    assert "--force replaces it" in capsys.readouterr().err
    assert (report / "report.html").read_bytes() == before


@needs_browser
def test_the_pdf_has_the_words_of_the_page(report: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/local/bin:/usr/bin:/bin")
    target = tmp_path / "report.pdf"
    assert print_pdf(report / "report.html", target) == ""
    data = target.read_bytes()
    assert data.startswith(b"%PDF-") and len(re.findall(rb"/Type\s*/Page\b", data)) > 3
    assert b"/FontFile" in data
    if shutil.which("pdftotext"):
        words = subprocess.run(["pdftotext", target, "-"], capture_output=True, text=True, check=True).stdout
        assert "What this report can't say" in words and "Repeat this report" in words and "copper report" in words


def test_a_browser_that_fails_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "bin" / "chromium"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\necho 'no display' >&2\nexit 3\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:/usr/bin:/bin")
    (tmp_path / "page.html").write_text("<p>page</p>")
    said = print_pdf(tmp_path / "page.html", tmp_path / "page.pdf")
    assert said.endswith("could not print the page. Received: exit code 3, no display")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["bin", "page.html"]
