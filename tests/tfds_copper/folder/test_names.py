"""Stress times in names of folders: every spelling is understood, or refused in one line that names the folder."""

from __future__ import annotations

import itertools
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from tests.tfds_copper.folder.test_scan import put
from tfds_copper.errors import InputError
from tfds_copper.folder.names import parse_name, parse_names
from tfds_copper.folder.scan import scan
from tfds_copper.folder.units import SECONDS, WORDS

UNDERSTOOD = {
    (15, "min"): (
        "15分後 15分 15分間 15分浸漬 15分経過 15分エッチング 15分钟 15分鐘 15分钟后 15분 15분후 15분침지 "
        "15мин 15Min. １５分 15ｍｉｎ 15minEtched 15MINETCHED 15minetched 15min後 min15 Min15 t15min t=15min "
        "15_min 15-min 15–min etched15min 15min_SEM 15mins 15Minuten 15minutes 15minutos 15minuti S3_15min "
        "15min_20kV 2024-05-01_15min 20240501_15min 15min_x500 15min_75°C 15min75℃"
    ),
    (2, "h"): (
        "2時間 2時間後 2時間浸漬 2小时 2小時 2个小时 2시간 2시간후 2ч 2часа 2h 2hEtched 2H h2 2hrs 2Stunden "
        "2Std. 2heures 2horas 2uur 2hエッチング 2h浸泡 2.0h 2,0h hours2 Hour_2 aged2h"
    ),
    (1, "d"): (
        "1日後 1日 1日間 1天 1天后 1일 1일후 1day Day1 day_01 Tag1 1Tag 1jour 1d 1д"
    ),
    (30, "s"): (
        "30秒 30秒後 30秒間 30秒钟 30초 30초후 30s 30S 30sec 30secs 30Sek. 30seconds sec30 t30s 30sEtched"
    ),
    (3, "w"): (
        "3週間 3週間後 3週 3周 3个星期 3星期 3주 3주일 3주간 3weeks 3wk week3 Week_3 3Wochen 3semaines"
    ),
    (3, "mo"): (
        "3ヶ月 3か月 3カ月 3ヵ月 3ケ月 3箇月 3ヶ月後 3ヶ月間 3个月 3個月 3개월 3months 3Monate 3mois 3mo"
    ),
    (0.5, "h"): (
        "0,5h 0.5h 0,5Stunden 0.5小时 0，5ｈ 0.5時間 0,5_h .5h 0,50h 00.5h"
    ),
    (90, "min"): (
        "1h30min 1h30 1時間30分 1小时30分钟 1시간30분 t1h30min 1hr30min 1Std30Min"
    ),
    (2.5, "h"): (
        "2時間半 2小时半 2个半小时 2個半小時 2시간반 2.5時間 2,5h"
    ),
}  # fmt: skip
BLANKS = {
    (15, "min"): "15 min|15 Min etched|t 15 min|15\u00a0min|15\u202fmin|15 分後|15 분 후|etched 15 min",
    (90, "min"): "1 h 30 min|1h 30min",
}
_REFUSED = (
    "−5min -5min –5min —5min ‐5min ‑5min ﹣5min －5min ⁻5min ➖5min ˗5min ー5分 t_-5min −5 2²h 2₂h ½h 1½h "
    "①h 30min² 2^3h 3日目 3日め 第3天 第3週 3일째 3일차 15分前 15分まえ 15분전 15分未満 15分以上 3番 2時 "
    "2时 2시 2点 5月 5월 5月3日 2024年 2024年5月1日 2024-05-01 20240501 240501 01.05.2024 20kV 20keV x500 "
    "500x ×500 x5k 5kx S1 S2 sample3 Probe4 試料3 サンプル3 样品3 시료3 #3 №3 No3 lot7 75°C 75℃ 75C 50% "
    "5nm 5µm ㎜5 30㎜ 5m 30M 5W 30' 30′ 30″ 15zzz 15_zzz t15zzz 15นาที t15_นาที 15นาที_t 1,500h 1.500h "
    "1,500 2h_30min 15min_30min 30min_2 30min-1 5-10min 5~10min 30±2min <5min ≥5min before30min "
    "30min_before minus5min overnight 三十分 2小时三十分 10分析 5分割 2分の1 3rd 2nd 1st 2hold 2hot H2 D3 "
    "w2 浸漬時間15 分30 1e5 1:30h 1_000h t1_5kV min30s FeCl3 H2O2_5 3.Tag"
)
REFUSED = _REFUSED.split()
SPELLINGS = [(name, *key) for key, names in UNDERSTOOD.items() for name in names.split()]
SPELLINGS += [(name, *key) for key, names in BLANKS.items() for name in names.split("|")]


@pytest.mark.parametrize(("name", "value", "unit"), SPELLINGS, ids=[name for name, *_ in SPELLINGS])
def test_names_that_are_understood(name: str, value: float, unit: str) -> None:
    for form in ("NFC", "NFD"):  # macOS takes letters and accents apart
        time = parse_name(unicodedata.normalize(form, name), "folder")
        assert (time.value, time.unit, time.doubt) == (value, unit, "")


@pytest.mark.parametrize("name", REFUSED)
def test_names_that_are_refused(name: str) -> None:
    with pytest.raises(InputError, match=r"^some/where: the name of a folder .* Received: ") as caught:
        parse_name(name, "some/where")
    assert repr(name) in str(caught.value) and "\n" not in str(caught.value)


def test_no_spelling_loses_its_unit() -> None:
    """Every word for a unit, as people write it about a number: read with its unit or refused, never without."""
    forms = ("{n}{u}", "{n} {u}", "{n}_{u}", "t{n}{u}", "{n}{u}Etched", "{n}{u}後", "{n}{u}_SEM", "etched_{n}{u}",
             "{N}{u}", "20kV_{n}{u}", "{n}-{u}", "{u}{n}", "{u}_{n}", "{n}{u}{u}", "{n}{u}x", "{n}x{u}",
             "−{n}{u}", "{n}²{u}", "{n}{u}目")  # fmt: skip
    wide = str.maketrans("0123456789.", "０１２３４５６７８９．")
    draw, read = np.random.default_rng(0), 0
    for (word, unit), form in itertools.product(WORDS.items(), forms):
        number = str(draw.choice(["2", "15", "0.5", "30", "1,5", "007"]))
        for spelled in (word, word.upper(), word.capitalize()):
            name = form.format(n=number, N=number.translate(wide), u=spelled)
            try:
                time = parse_name(name, "folder")
            except InputError as error:
                assert "Received:" in str(error) and "\n" not in str(error)
                continue
            assert (time.value, time.unit) == (float(number.replace(",", ".")), unit), name
            assert not ({"−", "²", "目"} & set(name)), name
            read += 1
    assert read > 2500


@pytest.mark.parametrize(
    ("names", "unit", "times"),
    [
        ("15分後 30分後 2時間後", "min", (15, 30, 120)),
        ("30分浸漬 2時間浸漬", "min", (30, 120)),
        ("30分経過 2時間経過", "min", (30, 120)),
        ("30分钟 2小时 1天", "min", (30, 120, 1440)),
        ("30분 2시간 1일", "min", (30, 120, 1440)),
        ("30мин 2ч", "min", (30, 120)),
        ("30minEtched 2hEtched", "min", (30, 120)),
        ("min30 h2", "min", (30, 120)),
        ("1日後 12時間後", "h", (12, 24)),
        ("15分後 2時間後 1日後", "min", (15, 120, 1440)),
        ("1ヶ月 1週間 30日", "d", (7, 30, 30.4375)),
        ("0,5h 1h 90min", "min", (30, 60, 90)),
        ("t00 t03 t10", "", (0, 3, 10)),
        ("t0_control t3_bathA", "", (0, 3)),
        ("t03_A t05_B", "", (3, 5)),
        ("FeCl3_15min H2O2-H2SO4_2h (NH4)2S2O8_1d", "min", (15, 120, 1440)),
    ],
)
def test_the_order_of_folders(tmp_path: Path, names: str, unit: str, times: tuple[float, ...]) -> None:
    folder = scan(put(tmp_path, *(f"{name}/a.png" for name in names.split())))
    assert (folder.unit, folder.times) == (unit, times)
    assert {reading.text for reading in folder.readings} == set(names.split())
    assert [reading.t for reading in folder.readings] == list(times)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ("15分後 3日目 5日目", r"3日目: .*'3日目'; nor can these be read: '5日目'"),
        ("15min 30", "units must be written on all"),
        ("15min bath30", "bath30|units must be written on all"),
        ("etchedmin30 etchedh2", r"etchedh2: .*'etchedh' may be a unit that is not known; the same of 'etchedmin30'"),
        ("浴15 槽2", r"槽2: .*'槽' may be a unit that is not known; the same of '浴15'"),
        ("2023 2024", "2023: .* 2023, 2024, which may be years"),
        ("20kV 5kV", r"20kV: .* 20 is a voltage in '20kV'; nor can these be read: '5kV'"),
        ("S1 S2 S3", r"S1: .* the number of a sample in 'S1'; nor can these be read: 'S2', 'S3'"),
    ],
)
def test_folders_of_which_some_are_refused(tmp_path: Path, names: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        scan(put(tmp_path, *(f"{name}/a.png" for name in sorted(names.split()))))
    assert "\n" not in str(caught.value)


def test_words_that_are_not_understood_are_warned_of() -> None:
    times = parse_names({"stage 0": "a", "stage 3": "b"})
    assert [t.value for t in times.values()] == [0, 3]
    assert {t.doubt for t in times.values()} == {"without a unit as 'stage' is not understood"}
    assert not any(t.doubt for t in parse_names({"t0_aged": "a", "3": "b", "fresh 5": "c", "bath_7": "d"}).values())


def test_units_are_of_one_length_each() -> None:
    assert set(WORDS.values()) == set(SECONDS)
    assert all(word == unicodedata.normalize("NFKC", word).casefold() for word in WORDS)
