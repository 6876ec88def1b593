"""Who goes to train, validation and test."""

from __future__ import annotations

import collections
import random

import pytest

from tests.conftest import ROOT
from tfds_copper.errors import InputError, SettingError
from tfds_copper.folder.scan import Picture, scan
from tfds_copper.splits.assign import SPLITS, SplitSettings, assign, caveats
from tfds_copper.splits.groups import split_groups

TILES = ROOT.parent / "shared" / "data" / "superalloy_tiles"


def pictures(labels: int, sheets: int, each: int, known: bool = True) -> list[Picture]:
    return [
        Picture(f"t{k:02d}/{s:02d}_{i}.png", float(k), k, sheet=f"{k}-{s}" if known else "")
        for k in range(labels)
        for s in range(sheets)
        for i in range(each)
    ]


def per_label(given: list[Picture], where: dict[str, str]) -> dict[int, tuple[int, ...]]:
    counts = collections.Counter((p.label, where[p.file]) for p in given)
    return {k: tuple(counts[k, s] for s in SPLITS) for k in sorted({p.label for p in given})}


def sheets_in(given: list[Picture], where: dict[str, str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {s: set() for s in SPLITS}
    for picture in given:
        found[where[picture.file]].add(picture.sheet)
    assert not found["train"] & found["validation"] | found["train"] & found["test"]
    assert not found["validation"] & found["test"]
    return found


@pytest.mark.parametrize("split", ["40/5", "40/5/5/5", "40/0/10", "a/b/c", "40/-5/5", "", "0.8/0.1/0.1"])
def test_proportions_that_are_refused(split: str) -> None:
    with pytest.raises(SettingError, match=r"split must be three whole numbers above 0.* Received: "):
        SplitSettings(split=split)


def test_settings_limits() -> None:
    assert SplitSettings("1000000/1/1").parts == (1000000, 1, 1)
    with pytest.raises(SettingError, match="split must be three whole numbers above 0"):
        SplitSettings("1000001/1/1")
    with pytest.raises(SettingError, match="folds must be 0 or at least 3. Received: 1"):
        SplitSettings(folds=1)
    assert SplitSettings(" 8/ 1/1").split == "8/1/1"
    with pytest.raises(SettingError, match=r"min_sheets must be a whole number of at least 1. Received: 0"):
        SplitSettings(min_sheets=0)


@pytest.mark.parametrize(
    ("count", "split", "expected"),
    [
        (50, "40/5/5", (40, 5, 5)),
        (100, "40/5/5", (80, 10, 10)),
        (20, "40/5/5", (16, 2, 2)),
        (3, "40/5/5", (1, 1, 1)),
        (4, "40/5/5", (2, 1, 1)),
        (7, "50/25/25", (3, 2, 2)),
        (11, "1/1/1", (4, 4, 3)),
    ],
)
def test_pictures_by_proportion(count: int, split: str, expected: tuple[int, ...]) -> None:
    given = pictures(2, count, 1, known=False)
    where = assign(given, SplitSettings(split))
    assert per_label(given, where) == {0: expected, 1: expected}


def test_a_label_with_too_few_pictures() -> None:
    given = pictures(2, 5, 1, known=False)[:-3]
    with pytest.raises(InputError, match=r"label t = 1: must have at least 3 pictures.* Received: 2"):
        assign(given, SplitSettings())


@pytest.mark.parametrize("known", [True, False])
def test_only_names_and_seed_decide(known: bool) -> None:
    given = pictures(4, 10, 5, known)
    first = assign(given, SplitSettings(seed=3))
    random.Random(1).shuffle(given)
    assert assign(given, SplitSettings(seed=3)) == first
    assert assign(given, SplitSettings(seed=4)) != first


def test_the_choice_is_the_same_on_every_machine() -> None:
    where = assign(pictures(2, 5, 2), SplitSettings())
    assert sorted(f for f, s in where.items() if s == "test") == [
        "t00/00_0.png",
        "t00/00_1.png",
        "t01/03_0.png",
        "t01/03_1.png",
    ]


def test_one_label_per_sheet_gives_exact_proportions() -> None:
    given = pictures(16, 10, 5)
    where = assign(given, SplitSettings())
    sheets_in(given, where)
    assert set(per_label(given, where).values()) == {(40, 5, 5)}


def test_few_sheets_are_tried_exhaustively() -> None:
    # Only one way gives every label a sheet in every split: a+b, c, d.
    sheets = {"a": (0, 1), "b": (2,), "c": (0, 1, 2), "d": (0, 1, 2)}
    given = [Picture(f"{s}{k}.png", float(k), k, sheet=s) for s, labels in sheets.items() for k in labels]
    found = sheets_in(given, assign(given, SplitSettings("2/1/1")))
    assert {frozenset(v) for v in found.values()} == {frozenset("ab"), frozenset("c"), frozenset("d")}


def test_unknown_sheets_among_known_ones() -> None:
    given = pictures(2, 4, 3) + [Picture(f"x{i}.png", float(i % 2), i % 2) for i in range(40)]
    where = assign(given, SplitSettings("2/1/1"))
    sheets_in([p for p in given if p.sheet], where)
    assert set(per_label(given, where).values()) == {(16, 8, 8)}
    assert [text for text in caveats(given, SplitSettings()) if "The sheets of 40 of 64 pictures are unknown" in text]


def test_impossible_sheets() -> None:
    with pytest.raises(InputError, match=r"label t = 0: must have pictures of at least 3 sheets.* Received: 2"):
        assign(pictures(2, 2, 9), SplitSettings())
    with pytest.raises(InputError, match=r"no way was found .* min_sheets 4. Received: 6 sheets over 2 labels"):
        assign(pictures(2, 3, 2), SplitSettings(min_sheets=4))


def given_split(*rows: tuple[str, float, str, str]) -> list[Picture]:
    return [Picture(f, t, int(t), sheet=sheet, split=split) for f, t, sheet, split in rows]


GOOD = [("a", 0.0, "A", "train"), ("b", 1.0, "B", "train"), ("c", 0.0, "C", "validation"), ("d", 1.0, "D", "test")]


def test_given_splits_are_honoured() -> None:
    assert assign(given_split(*GOOD), SplitSettings()) == {"a": "train", "b": "train", "c": "validation", "d": "test"}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("e", 0.0, "", ""), r"split must be given for every picture or for none. Received: none for 1 of 5"),
        (
            ("e", 0.0, "A", "test"),
            r"all pictures of a sheet must be in one split. Received: sheet 'A' in train and test",
        ),
        (("e", 2.0, "", "test"), r"every label must have pictures in train. Received: none for t = 2"),
    ],
)
def test_given_splits_that_are_refused(row: tuple[str, float, str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        assign(given_split(*GOOD, row), SplitSettings())
    with pytest.raises(InputError, match=r"every split must have pictures. Received: none in test"):
        assign(given_split(*GOOD[:3]), SplitSettings())


@pytest.mark.skipif(not TILES.is_dir(), reason=f"no real pictures at {TILES}")
@pytest.mark.parametrize(("split", "least"), [("50/25/25", 3), ("40/5/5", 1), ("40/5/5", 3)])
def test_the_real_sheets(split: str, least: int) -> None:
    given = list(scan(TILES).pictures)
    where = assign(given, SplitSettings(split, least))
    found = sheets_in(given, where)
    assert len(found["validation"]) >= least and len(found["test"]) >= least
    assert all(min(counts) > 0 for counts in per_label(given, where).values())
    if split == "50/25/25":
        for train, validation, test in per_label(given, where).values():
            total = train + validation + test
            assert abs(train / total - 0.5) < 0.1 and abs(test / total - 0.25) < 0.1


def test_pictures_of_one_place_stay_together_whatever_their_sheets() -> None:
    given = pictures(3, 6, 3)
    links = [(given[k].file, given[k + 9].file) for k in range(0, 36, 7)]
    where = assign(given, SplitSettings("2/1/1"), links)
    sheets_in(given, where)
    assert all(where[a] == where[b] for a, b in links)
    unknown = pictures(3, 12, 1, known=False)
    chain = [(unknown[k].file, unknown[k + 1].file) for k in range(5)]
    where = assign(unknown, SplitSettings("2/1/1"), chain)
    assert len({where[p.file] for p in unknown[:6]}) == 1
    assert set(per_label(unknown, where)) == {0, 1, 2} and all(min(c) > 0 for c in per_label(unknown, where).values())


def test_links_that_leave_too_few_places() -> None:
    given = pictures(2, 4, 1, known=False)
    links = [(given[k].file, given[k + 1].file) for k in range(2)]
    with pytest.raises(
        InputError, match=r"label t = 0: must have pictures of at least 3 different places.* Received: 2"
    ):
        assign(given, SplitSettings(), links)


def test_given_splits_may_not_tear_a_place_apart() -> None:
    given = given_split(*GOOD)
    with pytest.raises(InputError, match=r"pictures of one place must be in one split. Received: 'a' in train and 'c'"):
        assign(given, SplitSettings(), [("a", "c")])


def test_few_sheets_are_split_only_when_told_and_every_result_says_so() -> None:
    given = pictures(1, 5, 4) + [p for p in pictures(2, 2, 6) if p.label == 1]
    with pytest.raises(InputError, match=r"at least 3 sheets.*--within-sheet splits it within its sheets. Received: 2"):
        assign(given, SplitSettings("2/1/1"))
    within = SplitSettings("2/1/1", within_sheet=True)
    where = assign(given, within)
    sheets_in([p for p in given if p.label == 0], where)
    assert per_label(given, where)[1] == (6, 3, 3)
    assert "Split within sheets for t = 1" in caveats(given, within)[0]
    assert caveats(given, SplitSettings()) == ()
    assert "No sheets are known" in caveats(pictures(2, 3, 1, known=False), SplitSettings())[0]


def test_folds_test_every_picture_once_and_keep_sheets_whole() -> None:
    given = pictures(4, 5, 3)
    settings = SplitSettings(folds=5, seed=1)
    tested: collections.Counter[str] = collections.Counter()
    for one in settings.each_fold:
        where = assign(given, one)
        sheets_in(given, where)
        assert per_label(given, where) == dict.fromkeys(range(4), (9, 3, 3))
        tested.update(file for file, split in where.items() if split == "test")
    assert tested == dict.fromkeys((p.file for p in given), 1)
    with pytest.raises(InputError, match=r"label t = 0: must have pictures of at least 6 sheets.* Received: 5"):
        assign(given, SplitSettings(folds=6, fold=1))
    with pytest.raises(SettingError, match=r"fold must be chosen, from 1 to 5. Received: 0"):
        assign(given, settings)
    for wrong in ({"folds": 2}, {"folds": 3, "fold": 4}):
        with pytest.raises(SettingError):
            SplitSettings(**wrong)


def test_folds_keep_places_together() -> None:
    given = pictures(3, 9, 1, known=False)
    links = [(given[0].file, given[1].file), (given[2].file, given[10].file)]
    for one in SplitSettings(folds=3).each_fold:
        where = assign(given, one, links)
        assert all(where[a] == where[b] for a, b in links)


def test_sheets_are_taken_apart_only_when_asked() -> None:
    given = pictures(2, 2, 2)
    whole, apart = split_groups(given, []), split_groups(given, [], within_sheet=True)
    assert len(set(whole.values())) == 4 and len(set(apart.values())) == 8
