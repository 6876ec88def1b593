"""Control charts: drift of the microscope and of the line are told apart, and no row is ever added twice."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pytest

import copper_tf
from copper_tf.analysis.decisions.chart_results import ControlChart
from copper_tf.utils import tables
from tfds_copper.errors import InputError, SettingError

DAYS = [datetime.date(2026, 1, 1) + datetime.timedelta(days=k) for k in range(45)]


def table(
    path: Path, days: list[datetime.date], line: float = 0.0, microscope: float = 0.0, since: int = 25, seed: int = 0,
    form: str = "%Y-%m-%d",
) -> Path:  # fmt: skip
    """Two sheets of the line and the reference on each day; from `since` on one of both is shifted."""
    rows = ["file,sheet,date,potency"]
    for day in days:
        k = DAYS.index(day)
        rng = np.random.default_rng([seed, k])
        seen = rng.normal(0, 0.004) + microscope * (k >= since)
        for s in range(2):
            own = 0.6 + rng.normal(0, 0.02) + line * (k >= since) + seen
            rows += [
                f"{k}-{s}-{p}.tif,s{k}-{s},{day.strftime(form)},{own + rng.normal(0, 0.005):.6f}" for p in range(3)
            ]
        rows += [f"{k}-r-{p}.tif,ref,{day.strftime(form)},{0.5 + seen + rng.normal(0, 0.005):.6f}" for p in range(3)]
    path.write_text("\n".join(rows), encoding="utf-8")
    return path


def moved(result: ControlChart) -> set[tuple[str, str]]:
    return {(alarm.of, alarm.direction) for alarm in result.alarms}


def test_nothing_is_called_where_nothing_moves(tmp_path: Path) -> None:
    result = copper_tf.chart(table(tmp_path / "a.csv", DAYS), output=tmp_path / "out", reference="ref")
    assert result.alarms == () and len(result.points) == 45 and result.points[0].sheets == 2
    assert result.line and result.microscope and result.line.sd > result.microscope.sd


def test_a_drift_of_the_line_is_the_lines(tmp_path: Path) -> None:
    file = table(tmp_path / "a.csv", DAYS, line=-0.05)
    result = copper_tf.chart(file, output=tmp_path / "out", reference="ref")
    assert moved(result) == {("line", "down")}
    assert "ALARM on 2026-02-14: the line has moved down" in " ".join(result.verdicts)


def test_a_drift_of_the_microscope_is_the_microscopes(tmp_path: Path) -> None:
    file = table(tmp_path / "a.csv", DAYS, microscope=0.05)
    result = copper_tf.chart(file, output=tmp_path / "out", reference="ref")
    assert moved(result) == {("microscope", "up")}
    (tmp_path / "line.csv").write_text("\n".join(row for row in file.read_text().splitlines() if ",ref," not in row))
    blind = copper_tf.chart(tmp_path / "line.csv", output=tmp_path / "blind")
    assert moved(blind) == {("line", "up")} and "looks like one of the line" in blind.caveats[0]


def test_the_microscope_is_judged_on_days_without_sheets_of_the_line(tmp_path: Path) -> None:
    file, bare = table(tmp_path / "a.csv", DAYS, microscope=0.05, since=40), {str(day) for day in (DAYS[4], *DAYS[40:])}
    rows = [row for row in file.read_text().splitlines() if ",ref," in row or not bare & set(row.split(","))]
    (tmp_path / "b.csv").write_text("\n".join(rows))
    result = copper_tf.chart(tmp_path / "b.csv", output=tmp_path / "out", reference="ref")
    assert [point.date for point in result.points] == [str(day) for day in DAYS] and moved(result) == {
        ("microscope", "up")
    }
    assert [alarm.date for alarm in result.alarms if alarm.rule == "Shewhart"] == [str(day) for day in DAYS[40:]]
    assert "ALARM on 2026-02-14: the microscope has moved up" in result.verdicts[0]
    assert result.verdicts[1] == "The line has not been seen to move since the baseline."
    last = result.points[-1]
    assert (last.sheets, last.line, last.line_ewma) == (0, None, None) and last.reference is not None
    # Control: what is taken off the line is what the reference differs by from the mean of its own baseline.
    centre = np.mean([point.reference for point in result.points[:20]])
    day = [row for row in result.rows if row.date == str(DAYS[0]) and row.sheet != "ref"]
    first, off = result.points[0], float(np.mean([row.score for row in day]))
    assert first.reference is not None and first.line == pytest.approx(off - (first.reference - centre), abs=1e-12)


def test_each_chart_has_the_baseline_of_its_own_days(tmp_path: Path) -> None:
    file, sheets = table(tmp_path / "a.csv", DAYS[:25]), {str(day) for day in DAYS[:12]}
    rows = [row for row in file.read_text().splitlines() if ",ref," in row or not sheets & set(row.split(","))]
    (tmp_path / "b.csv").write_text("\n".join(rows))
    result = copper_tf.chart(tmp_path / "b.csv", output=tmp_path / "out", reference="ref")
    assert result.microscope and result.line is None
    assert "The microscope has not been seen to move" in result.verdicts[0]
    assert result.verdicts[1].startswith("The baseline of the line is still being taken: 13 of 20 days.")


def test_a_chart_grows_by_what_is_new(tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = copper_tf.chart(table(tmp_path / "a.csv", DAYS[:30]), output=out, reference="ref")
    assert (first.added, first.known) == (90, 0)
    again = copper_tf.chart(tmp_path / "a.csv", output=out)
    assert (again.added, again.known) == (0, 90) and again.rows == first.rows
    more = copper_tf.chart(table(tmp_path / "b.csv", DAYS[29:32]), output=out)
    assert (more.added, more.known) == (6, 3)
    assert len((out / "chart.csv").read_text(encoding="utf-8-sig").splitlines()) == 97
    whole = copper_tf.chart(table(tmp_path / "c.csv", DAYS[:32]), output=tmp_path / "whole", reference="ref")
    assert whole.points == more.points and whole.alarms == more.alarms


def test_a_call_that_was_cut_off_is_made_up_for(tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = copper_tf.chart(table(tmp_path / "a.csv", DAYS), output=out, reference="ref")
    for name in ("chart.json", "chart.html", "chart.xlsx"):
        (out / name).unlink()
    again = copper_tf.chart(tmp_path / "a.csv", output=out, reference="ref")
    assert (again.added, again.known) == (0, 135) and again.points == result.points
    assert ControlChart.read(out / "chart.json") == again and again.page and again.page.is_file()


def test_a_call_that_is_killed_leaves_the_settings_to_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, file = tmp_path / "out", table(tmp_path / "a.csv", DAYS)
    whole = copper_tf.chart(file, output=tmp_path / "whole", reference="ref", baseline=15)
    for name in ("write_csv", "write_workbook"):
        with monkeypatch.context() as killed, pytest.raises(KeyboardInterrupt):
            killed.setattr(tables, name, _kill)
            copper_tf.chart(file, output=out, reference="ref", baseline=15)
    again = copper_tf.chart(file, output=out)
    assert again.points == whole.points and (again.reference, again.baseline) == ("ref", 15)


def _kill(*_: object) -> None:
    raise KeyboardInterrupt


def test_before_the_baseline_is_full_nothing_is_judged(tmp_path: Path) -> None:
    result = copper_tf.chart(table(tmp_path / "a.csv", DAYS[:7]), output=tmp_path / "out", reference="ref")
    assert result.line is None and result.alarms == () and "7 of 20 days" in result.verdicts[0]


def test_single_days_of_one_picture_can_be_added(tmp_path: Path) -> None:
    for k in (0, 1):
        (tmp_path / f"{k}.csv").write_text(f"sheet,date,potency\ns{k},{DAYS[k]},0.5\n")
        result = copper_tf.chart(tmp_path / f"{k}.csv", output=tmp_path / "out")
    assert len(result.points) == 2


def test_rows_that_contradict_the_chart_are_refused(tmp_path: Path) -> None:
    out = tmp_path / "out"
    copper_tf.chart(table(tmp_path / "a.csv", DAYS[5:30]), output=out, reference="ref")
    before = (out / "chart.csv").read_bytes()
    with pytest.raises(InputError, match="must have the score that it has in the chart"):
        copper_tf.chart(table(tmp_path / "b.csv", DAYS[29:31], seed=9), output=out)
    with pytest.raises(InputError, match="must be of 2026-01-30, the last day of the chart, or later"):
        copper_tf.chart(table(tmp_path / "c.csv", DAYS[:2]), output=out)
    with pytest.raises(SettingError, match="baseline must stay 20.*Received: 25"):
        copper_tf.chart(tmp_path / "a.csv", output=out, baseline=25)
    with pytest.raises(SettingError, match="reference must stay 'ref'"):
        copper_tf.chart(tmp_path / "a.csv", output=out, reference="other")
    assert (out / "chart.csv").read_bytes() == before


def test_bad_tables_are_refused_in_one_line(tmp_path: Path) -> None:
    file, out = table(tmp_path / "a.csv", DAYS), tmp_path / "out"
    with pytest.raises(InputError, match="at least one table of scores is needed. Received: none"):
        copper_tf.chart(output=out)
    with pytest.raises(InputError, match="must have a column day"):
        copper_tf.chart(file, output=out, date="day")
    with pytest.raises(InputError, match="a sheet must have one date, unless it is the one imaged each time"):
        copper_tf.chart(file, output=out)
    with pytest.raises(InputError, match="must be among the scores. Received: none of 'kept'"):
        copper_tf.chart(table(tmp_path / "x.csv", DAYS[:1]), output=out, reference="kept")
    with pytest.raises(SettingError, match="baseline must be at least 10 days. Received: 3"):
        copper_tf.chart(file, output=out, reference="ref", baseline=3)
    with pytest.raises(SettingError, match="only must be COLUMN=VALUE"):
        copper_tf.chart(file, output=out, reference="ref", only="t")
    with pytest.raises(InputError, match="a row must have date=never"):
        copper_tf.chart(file, output=out, only="date=never")
    lines = [line for line in file.read_text().splitlines() if "3-r-" not in line]
    (tmp_path / "b.csv").write_text("\n".join(lines))
    with pytest.raises(InputError, match="must be imaged on every day. Received: 2026-01-04 without it"):
        copper_tf.chart(tmp_path / "b.csv", output=out, reference="ref")
    mixed = file.read_text().replace("2026-01-20", "20/01/2026").replace("2026-01-30", "01/30/2026")
    (tmp_path / "c.csv").write_text(mixed)
    with pytest.raises(InputError, match="date must be in one order"):
        copper_tf.chart(tmp_path / "c.csv", output=out, reference="ref")
    flat = "sheet,date,potency\n" + "".join(f"s{k},{day},0.5\n" for k, day in enumerate(DAYS))
    (tmp_path / "d.csv").write_text(flat)
    with pytest.raises(InputError, match="scores of the line must differ from day to day"):
        copper_tf.chart(tmp_path / "d.csv", output=out)
    assert not (out / "chart.csv").exists()
