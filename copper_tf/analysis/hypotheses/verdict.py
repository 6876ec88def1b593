"""What hypotheses and curves say together, and why nothing is said where the data don't allow it; plain Python."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from copper_tf.analysis.baselines.names import ALARM_QWK
from copper_tf.analysis.hypotheses.curves import LIMIT
from copper_tf.analysis.trust.verdict import NOT_SUPPORTED, SUPPORTED, UNDECIDED

__all__ = ["ASSUMPTIONS", "BRIGHTNESS", "GAP", "NOTHING", "NOT_SUPPORTED", "SUPPORTED", "UNDECIDED", "judged"]

# Why a ranking is refused.
BRIGHTNESS, NOTHING, GAP = ("brightness", "nothing follows t", "no two phases")
# A ranking counts only if the best NMSE is at most this share of what permuted levels reach.
_SHARE = 0.5

ASSUMPTIONS = (
    "At the first t the surface is rough everywhere (f = 1) and at the last t nowhere (f = 0): f is known up to its "
    "scale and shift only, and nothing in the pictures can prove these ends.",
    "The surface has two phases, rough and smooth, and each patch is one of them: what changes with t is their share "
    "and not what they look like.",
    "The network is local: it judges each place by its surroundings and doesn't recognise t from the whole picture.",
)

_TEXTS = {
    BRIGHTNESS: "brightness alone grades these pictures (QWK {qwk:.2f} of a first-order histogram, over {limit:g}): "
    "what is ranked may be the microscope's settings and not the surface",
    NOTHING: "no hypothesis is followed clearly better than levels in any order (best NMSE {best:.2f}, {share:.2f} of "
    "the {median:.2f} that {orders} orders of permuted levels reach; at most {limit:g} counts): nothing in the "
    "pictures follows t in a way that a map of two phases shows",
    GAP: "the binary assumption is not supported by these data: the curve that the label means give depends on the "
    "hypothesis trained for (they lie {gap:.2f} apart, over {limit:g}), so the network paints what it is told: the "
    "surface changes as a whole, or the network sees too far",
}


def _refusals(best: float, null: Mapping[str, Any], gap: float, qwk: float) -> list[tuple[str, str]]:
    found, median = [], null["median"]
    if qwk > ALARM_QWK:
        found.append((BRIGHTNESS, _TEXTS[BRIGHTNESS].format(qwk=qwk, limit=ALARM_QWK)))
    if median and best > _SHARE * median:
        numbers = {"share": best / median, "median": median, "limit": _SHARE, "orders": len(null["nmse"])}
        found.append((NOTHING, _TEXTS[NOTHING].format(best=best, **numbers)))
    # Where nothing is followed, curves are noise and their gap has no meaning of its own.
    elif gap > LIMIT:
        found.append((GAP, _TEXTS[GAP].format(gap=gap, limit=LIMIT)))
    return found


def _open(median: float | None, gap: float, rows: Sequence[Any]) -> list[str]:
    """What is missing for a verdict."""
    found = []
    if len(rows) < 2:
        found.append("fewer than two hypotheses were compared, so there is nothing to rank")
    elif median is None:
        found.append("without hypotheses of permuted levels it isn't known what any order would reach")
    if not math.isfinite(gap):
        found.append("fewer than two falling hypotheses gave a curve that can be read, so none could be checked")
    return found


def _names(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _ranking(rows: Sequence[Mapping[str, Any]]) -> str:
    best = rows[0]
    text = f"{best['name']} fits best (NMSE {best['nmse']:.3f})"
    alike = [row["name"] for row in rows[1:] if best["name"] in row["alike"] or row["name"] in best["alike"]]
    worse = [row for row in rows[1:] if row["name"] not in alike]
    if alike:
        text += f"; not distinguishable from it: {_names(alike)}"
    if worse:
        text += "; clearly worse: " + _names(["{name} ({nmse:.3f})".format(**row) for row in worse])
    return text


def judged(rows: Sequence[Mapping[str, Any]], null: Mapping[str, Any], gap: float, qwk: float | None) -> dict[str, Any]:
    """The verdict on a ranking of hypotheses.

    Args:
        rows: from `ranking.ranked`, the best first.
        null: from `ranking.null_distribution`.
        gap: from `curves.gap`.
        qwk: of a first-order histogram as a grader of the same pictures; None where it wasn't run.

    Returns:
        ``verdict``, ``kinds`` of reasons for a refusal, ``reasons`` as sentences, and ``ranking``: one sentence of
        what the hypotheses say, empty unless the ranking is supported.
    """
    best, median = (rows[0]["nmse"] if rows else math.nan), null["median"]
    refused = _refusals(best, null if rows else {"median": None}, gap, qwk if qwk is not None else -1.0)
    missing = _open(median, gap, rows)
    verdict = NOT_SUPPORTED if refused else UNDECIDED if missing else SUPPORTED
    return {
        "verdict": verdict,
        "kinds": [kind for kind, _ in refused],
        "reasons": [text for _, text in refused] or missing,
        "ranking": _ranking(rows) if verdict == SUPPORTED else "",
    }
