"""Repeatability and reproducibility: which factor is to be mended, what it takes, and what is refused."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest

import copper_tf
from copper_tf.analysis.decisions.gauge_results import Gauge
from tfds_copper.errors import InputError, OutputError, SettingError


def study(
    path: Path, sheets: int = 8, operators: int = 3, microscopes: int = 2, pictures: int = 2, operator_sd: float = 0.01,
    microscope_sd: float = 0.01, seed: int = 0,
) -> Path:  # fmt: skip
    """A study in which every sheet meets every operator and microscope."""
    rng = np.random.default_rng(seed)
    of_sheet, of_operator, of_microscope = (
        rng.normal(0, sd, n) for sd, n in ((0.1, sheets), (operator_sd, operators), (microscope_sd, microscopes))
    )
    rows = [
        f"{s}{o}{m}{k}.tif,s{s},op{o},sem{m},"
        f"{0.5 + of_sheet[s] + of_operator[o] + of_microscope[m] + rng.normal(0, 0.01):.5f}"
        for s, o, m, k in itertools.product(range(sheets), range(operators), range(microscopes), range(pictures))
    ]
    path.write_text("file,sheet,operator,microscope,potency\n" + "\n".join(rows), encoding="utf-8")
    return path


def test_the_worst_factor_is_named(tmp_path: Path) -> None:
    result = copper_tf.gauge(study(tmp_path / "a.csv", operator_sd=0.15, seed=4))
    assert result.mend_first == "operator" and "Mend first: operator" in result.verdicts[1]
    assert result.factors == {"operator": 3, "microscope": 2}
    assert [c.name for c in result.components] == [
        "sheet", "operator", "microscope", "sheet x operator", "sheet x microscope", "picture",
    ]  # fmt: skip
    assert sum(c.share for c in result.components) == pytest.approx(1)
    assert result.percent_grr > 30 and "can't tell such sheets apart" in result.verdicts[0]


def test_a_good_microscope_is_called_so(tmp_path: Path) -> None:
    result = copper_tf.gauge(study(tmp_path / "a.csv", operator_sd=0, microscope_sd=0))
    assert result.mend_first == "picture" and result.percent_grr < 30 and result.categories >= 5
    low, high = result.percent_grr_interval
    assert low <= result.percent_grr <= high


@pytest.mark.parametrize("dust", [0.0, 1e-16])
def test_a_measurement_without_scatter_is_asked_after(tmp_path: Path, dust: float) -> None:
    cells = [(s, o, k) for s in range(5) for o in range(2) for k in range(3)]

    def written(name: str, scores: list[float]) -> Path:
        rows = [f"{s}{o}{k}.tif,s{s},op{o},{v!r}" for (s, o, k), v in zip(cells, scores, strict=True)]
        (tmp_path / name).write_text("file,sheet,operator,potency\n" + "\n".join(rows))
        return tmp_path / name

    equal = written("a.csv", [0.1 * s + 0.3 + dust * (s + o + k) for s, o, k in cells])
    result = copper_tf.gauge(equal, output=tmp_path / "out")
    assert (result.categories, result.mend_first, result.percent_grr) == (None, "", 0)
    (verdict,) = result.verdicts
    assert "are rows copies of each other?" in verdict and Gauge.read(tmp_path / "out" / "gauge.json") == result
    # Control: the least scatter that tables show is one.
    least = written("b.csv", [0.1 * s + 0.3 + 1e-4 * ((s + k) % 2) for s, o, k in cells])
    assert (copper_tf.gauge(least).categories or 0) > 1000


def test_more_pictures_help_against_pictures_alone(tmp_path: Path) -> None:
    result = copper_tf.gauge(study(tmp_path / "a.csv", operator_sd=0.03, seed=1), precision=0.1)
    precisions = [row.precision for row in result.plan]
    assert precisions == sorted(precisions, reverse=True)
    fixed = sum(c.sd**2 for c in result.components if c.name not in ("sheet", "picture"))
    assert precisions[-1] > 1.96 * np.sqrt(fixed)
    fine = copper_tf.gauge(tmp_path / "a.csv", precision=0.001)
    assert all(row.sheets is None for row in fine.plan)


def test_reimaging_is_a_source_of_its_own_where_it_has_several_pictures(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    again = rng.normal(0, 0.1, (8, 3))
    rows = [
        f"{s}{r}{k}.tif,s{s},{r},{0.5 + 0.1 * s + again[s, r] + rng.normal(0, 0.01):.5f}"
        for s in range(8) for r in range(3) for k in range(3)
    ]  # fmt: skip
    (tmp_path / "a.csv").write_text("file,sheet,repeat,potency\n" + "\n".join(rows))
    result = copper_tf.gauge(tmp_path / "a.csv")
    assert [c.name for c in result.components] == ["sheet", "re-imaging", "picture"]
    assert result.mend_first == "re-imaging"
    single = "\n".join(row for row in rows if row[2] == "0")
    (tmp_path / "b.csv").write_text("file,sheet,repeat,potency\n" + single)
    assert [c.name for c in copper_tf.gauge(tmp_path / "b.csv").components] == ["sheet", "picture"]


def test_the_folder_holds_page_json_and_workbook(tmp_path: Path) -> None:
    result = copper_tf.gauge(study(tmp_path / "a.csv"), output=tmp_path / "out")
    assert Gauge.read(tmp_path / "out" / "gauge.json") == result
    assert result.page and result.verdicts[0] in result.page.read_text(encoding="utf-8").replace("&#39;", "'")
    assert (tmp_path / "out" / "gauge.xlsx").is_file()
    with pytest.raises(OutputError, match="--force"):
        copper_tf.gauge(tmp_path / "a.csv", output=tmp_path / "out")


def test_a_study_with_holes_is_mentioned(tmp_path: Path) -> None:
    lines = study(tmp_path / "a.csv").read_text().splitlines()
    (tmp_path / "b.csv").write_text("\n".join(lines[:20] + lines[23:]))
    assert any("intervals are approximate" in text for text in copper_tf.gauge(tmp_path / "b.csv").caveats)


@pytest.mark.parametrize(
    "text, message",
    [
        ("sheet,operator,potency\na,o1,0.1\na,o2,0.2\na,o1,0.3\n", r"at least 2 sheets are needed. Received: 1 \(a\)"),
        ("sheet,potency\na,0.1\na,0.2\nb,0.3\nb,0.4\n", "at least 2 operators or microscopes.*Received: neither"),
        ("sheet,operator,potency\na,o,0.1\na,o,0.2\nb,o,0.3\n", "at least 2 operators or microscopes"),
        (
            "sheet,operator,potency\na,o1,0.1\na,o1,0.2\nb,o2,0.3\nb,o2,0.4\n",
            "can't be told from what sheets differ in",
        ),
        ("sheet,operator,potency\na,o1,0.1\na,o2,0.2\nb,o1,0.3\nb,o2,0.5\n", "need two pictures by one operator"),
        (
            "sheet,operator,potency\na,o1,0.1\na,,0.2\nb,o1,0.3\nb,o2,0.5\n",
            "line 3: operator must be given in every row",
        ),
        ("sheet,operator,potency\na,o1,0.1\na,o2,0.1\nb,o1,0.1\n", "the scores of potency must differ"),
    ],
)
def test_bad_studies_are_refused_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(InputError, match=message) as error:
        copper_tf.gauge(tmp_path / "a.csv")
    assert "\n" not in str(error.value)


def test_what_was_named_must_be_there(tmp_path: Path) -> None:
    file = study(tmp_path / "a.csv", microscopes=1)
    with pytest.raises(InputError, match="must have a column camera"):
        copper_tf.gauge(file, factors=["camera"])
    with pytest.raises(InputError, match="microscope must have at least 2 levels. Received: sem0 alone"):
        copper_tf.gauge(file, factors=["microscope"])
    with pytest.raises(InputError, match="must have a column again"):
        copper_tf.gauge(file, repeat="again")
    with pytest.raises(SettingError, match="precision must be a number over 0"):
        copper_tf.gauge(file, precision=0)
