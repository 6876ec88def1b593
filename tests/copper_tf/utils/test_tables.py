"""Tables of sheets."""

from __future__ import annotations

import math

from copper_tf.statistics.bootstrap import UNIT
from copper_tf.utils.tables import sheet_rows

_ROWS = [
    {"sheet": "b", "potency": 0.93331},
    {"sheet": "a", "potency": 1 / 3},
    {"sheet": "b", "potency": 0.99998},
    {"sheet": "", "potency": 0.5},
]


def test_numbers_of_sheets_have_four_decimals_and_stay_where_they_can_be() -> None:
    alone, pair = sheet_rows(_ROWS, "potency", UNIT)
    assert alone["sheet"] == "a" and alone["n"] == 1 and alone["mean potency"] == 0.3333
    assert math.isnan(alone["95% low"]) and math.isnan(alone["95% high"])
    assert pair["mean potency"] == 0.9666 and pair["95% high"] == 1
    assert pair["95% low"] == round(pair["95% low"], 4) > 0
    assert sheet_rows(_ROWS, "potency")[1]["95% high"] > 1
