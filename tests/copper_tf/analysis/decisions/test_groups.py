"""Groups of sheets compared: the sheet is the unit, and what is claimed holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

import copper_tf
from copper_tf.analysis.decisions.group_results import GroupComparison
from copper_tf.statistics.groups import detectable_factor, welch
from tfds_copper.errors import InputError, OutputError, SettingError


def table(path: Path, means: dict[str, float], pictures: int = 4, extra: str = "", column: str = "") -> Path:
    """A table whose sheets have exactly these means."""
    rows = [f"file,sheet,potency{column and f',{column}'}"]
    for sheet, mean in means.items():
        off = np.arange(pictures) - (pictures - 1) / 2
        rows += [f"{sheet}-{k}.tif,{sheet},{mean + 0.01 * v:.6f}{extra and f',{extra}'}" for k, v in enumerate(off)]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


OLD = {"a": 0.60, "b": 0.64, "c": 0.66}
NEW = {"d": 0.50, "e": 0.53, "f": 0.58}


def test_two_groups_are_compared_by_welchs_test_on_sheets(tmp_path: Path) -> None:
    result = copper_tf.compare_groups(table(tmp_path / "old.csv", OLD), table(tmp_path / "new.csv", NEW))
    expected = stats.ttest_ind([*NEW.values()], [*OLD.values()], equal_var=False)
    (row,) = result.differences
    assert (row.first, row.second) == ("old", "new")
    assert row.p == pytest.approx(expected.pvalue) and row.different == (row.p < 0.05)
    np.testing.assert_allclose(row.interval, expected.confidence_interval())
    assert result.margin is None and row.equivalent is None


def test_more_pictures_of_the_same_sheets_prove_no_more(tmp_path: Path) -> None:
    few = copper_tf.compare_groups(table(tmp_path / "a.csv", OLD, 2), table(tmp_path / "b.csv", NEW, 2))
    many = copper_tf.compare_groups(table(tmp_path / "c.csv", OLD, 40), table(tmp_path / "d.csv", NEW, 40))
    assert few.differences[0].p == pytest.approx(many.differences[0].p, rel=1e-3)


def test_several_groups_are_corrected_for_their_number(tmp_path: Path) -> None:
    third = {"g": 0.60, "h": 0.62, "i": 0.63}
    text = "sheet,bath,potency\n" + "".join(
        f"{s},{bath},{v}\n" for bath, of in (("old", OLD), ("new", NEW), ("third", third)) for s, v in of.items()
    )
    (tmp_path / "all.csv").write_text(text)
    result = copper_tf.compare_groups(tmp_path / "all.csv", by="bath")
    assert [(d.first, d.second) for d in result.differences] == [("old", "new"), ("old", "third"), ("new", "third")]
    alone = stats.ttest_ind([*NEW.values()], [*OLD.values()], equal_var=False)
    assert result.differences[0].p > alone.pvalue
    low, high = result.differences[0].interval
    assert low < alone.confidence_interval().low and high > alone.confidence_interval().high
    assert result.picture_sd is None and "one picture" in " ".join(result.caveats)


def test_equivalence_is_claimed_within_a_wide_margin_alone(tmp_path: Path) -> None:
    files = table(tmp_path / "a.csv", OLD), table(tmp_path / "b.csv", {"d": 0.61, "e": 0.63, "f": 0.65})
    assert copper_tf.compare_groups(*files, margin=0.2).differences[0].equivalent is True
    near = copper_tf.compare_groups(*files, margin=0.02)
    assert near.differences[0].equivalent is False and "is not shown" in near.verdicts[0]
    assert near.wanted == 0.02


def test_the_stated_difference_is_found_four_times_of_five() -> None:
    rng = np.random.default_rng(3)
    for sheets in (3, 6):
        first, second, third, fourth = rng.normal(size=(4, sheets, 4000))
        spread = np.sqrt((first.var(0, ddof=1) + second.var(0, ddof=1)) / sheets)
        stated = spread * detectable_factor(sheets, sheets, 2 * (sheets - 1))
        found = welch(third, fourth + stated)[-1] < 0.05
        assert found.mean() == pytest.approx(0.8, abs=0.025)


def test_more_pictures_spare_sheets_up_to_a_point(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name in "ab":
        rows = [f"{name}{s},{0.5 + d + rng.normal(0, 0.1):.5f}" for s in range(6) for d in [rng.normal(0, 0.03)] * 8]
        (tmp_path / f"{name}.csv").write_text("sheet,potency\n" + "\n".join(rows))
    plan = copper_tf.compare_groups(tmp_path / "a.csv", tmp_path / "b.csv", difference=0.08).plan
    needed = [row.sheets for row in plan]
    assert None not in needed and needed == sorted(needed, reverse=True) and needed[0] > needed[-1] >= 2


def test_the_folder_holds_page_json_and_workbook(tmp_path: Path) -> None:
    from openpyxl import load_workbook

    files = table(tmp_path / "old.csv", OLD), table(tmp_path / "new.csv", NEW)
    result = copper_tf.compare_groups(*files, output=tmp_path / "out", margin=0.05)
    assert GroupComparison.read(tmp_path / "out" / "groups.json") == result
    assert result.page and result.verdicts[0] in result.page.read_text(encoding="utf-8").replace("&#39;", "'")
    book = load_workbook(tmp_path / "out" / "groups.xlsx")
    assert book.sheetnames == ["groups", "differences", "sheets", "plan"]
    assert book["differences"]["C2"].value == pytest.approx(result.differences[0].difference)
    assert sorted(p.name for p in (tmp_path / "out" / "figures").iterdir()) == ["differences.png", "sheets.png"]
    with pytest.raises(OutputError, match="--force replaces it"):
        copper_tf.compare_groups(*files, output=tmp_path / "out")


def test_sheets_of_one_name_in_two_tables_are_mentioned(tmp_path: Path) -> None:
    renamed = dict(zip(OLD, NEW.values(), strict=True))
    result = copper_tf.compare_groups(table(tmp_path / "old.csv", OLD), table(tmp_path / "new.csv", renamed))
    assert any("taken as different sheets" in text for text in result.caveats)


def test_tables_of_one_name_are_told_by_their_folders(tmp_path: Path) -> None:
    for name, means in (("old", OLD), ("new", NEW)):
        (tmp_path / name).mkdir()
        table(tmp_path / name / "predictions.csv", means)
    result = copper_tf.compare_groups(tmp_path / "old", tmp_path / "new" / "predictions.csv")
    assert [g.name for g in result.groups] == ["old", "new"]


def test_bad_groups_are_refused_in_one_line(tmp_path: Path) -> None:
    old, new = table(tmp_path / "old.csv", OLD), table(tmp_path / "new.csv", {"d": 0.5})
    with pytest.raises(InputError, match=r"group new: needs at least 2 sheets.*Received: 1 \(d\)"):
        copper_tf.compare_groups(old, new)
    with pytest.raises(SettingError, match="at least two tables must be given"):
        copper_tf.compare_groups(old)
    with pytest.raises(InputError, match="each group must be a table of its own"):
        copper_tf.compare_groups(old, old)
    with pytest.raises(InputError, match="must have a column bath"):
        copper_tf.compare_groups(old, by="bath")
    for tables in ((old, new), ()):
        with pytest.raises(SettingError, match=f"by must be given with one table.*with {len(tables)}$"):
            copper_tf.compare_groups(*tables, by="bath")
    with pytest.raises(SettingError, match="margin must be a number over 0. Received: -1"):
        copper_tf.compare_groups(old, table(tmp_path / "b.csv", NEW), margin=-1)
    one = table(tmp_path / "one.csv", OLD, extra="x", column="bath")
    with pytest.raises(InputError, match="must name at least two groups. Received: x"):
        copper_tf.compare_groups(one, by="bath")
    flat = table(tmp_path / "flat.csv", {"a": 0.5, "b": 0.5})
    with pytest.raises(InputError, match="sheets of a group must differ"):
        copper_tf.compare_groups(flat, table(tmp_path / "flat2.csv", {"c": 0.7, "d": 0.7}))
    (tmp_path / "grade.csv").write_text("sheet,grade t\nx,1\ny,2\n")
    with pytest.raises(InputError, match="all groups must have the same score.*potency in old and grade t in grade"):
        copper_tf.compare_groups(old, tmp_path / "grade.csv")
