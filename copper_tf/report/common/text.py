"""The sentences of a page: a verdict that says no more than the scores do, captions, and a glossary."""

from __future__ import annotations

from typing import Any

from copper_tf.config import ANCHORS, ITERATIVE
from copper_tf.statistics.chords import LIMIT
from copper_tf.statistics.scores import MIN_GROUPS

__all__ = [
    "ALTS",
    "ASSUMPTIONS",
    "CAPTIONS",
    "GLOSSARY",
    "LAW_NOTES",
    "POTENCY_NOTE",
    "SCORE_NAMES",
    "no_interval",
    "shown",
    "unlike_text",
    "verdict",
    "with_interval",
]

# So many pictures are named in a sentence.
_NAMED = 5
POTENCY_NOTE = (
    "Potency is an index relative to the end labels of this run, neither adhesion itself nor comparable between runs. "
    "The map shows resemblance to the surface at the first t, {first}: 1 (blue) looks like it, 0 (red) looks like the "
    "surface at the last t, {last}."
)

ASSUMPTIONS = (
    "The scale assumes that the surface at the first t is rough everywhere (f = 1) and that at the last t nowhere "
    "(f = 0). Nothing in the pictures can prove this.",
    "A map may be read as areas only where the surface has two phases and the network is local: its receptive field "
    f"should not be wider than {LIMIT:g} times the domains it is to find.",
)

SCORE_NAMES = {
    "accuracy": "accuracy",
    "within_one": "within one step",
    "mae": "MAE",
    "qwk": "QWK",
    "spearman": "Spearman",
    "median_accuracy": "accuracy, by the median",
    "median_within_one": "within one step, by the median",
    "median_mae": "MAE, by the median",
    "median_qwk": "QWK, by the median",
    "median_spearman": "Spearman, by the median",
    "mse": "MSE (Eq. 4)",
    "nmse": "NMSE",
    "corr_g": "correlation of potency with g",
    "spearman_t": "Spearman of potency with t",
    "corr_fraction": "correlation of potency with true area",
    "mae_fraction": "MAE of potency to true area",
    "iou": "IoU of the map",
    "auc": "ROC-AUC of the map",
    "binarity": "binarity B",
    "binarity_middle": "binarity B, middle labels",
}

GLOSSARY = {
    "accuracy": "share of pictures graded with their own label; within one step: or with a neighbouring one.",
    "NMSE": "mean squared error of the potency over the variance of g on the same pictures: 0 is perfect, 1 is what "
    "a constant reaches. It can't be made small by a flat hypothesis, as raw MSE can.",
    "MAE": "mean absolute error: in steps of the label for grades, in potency for maps.",
    "QWK": "quadratic-weighted kappa: agreement of grades beyond chance, errors weighted by the square of their steps; "
    "1 is perfect, 0 is chance.",
    "by the median": "the grade at the middle of the probabilities instead of the most probable one; on ordered "
    "labels it errs by fewer steps.",
    "Spearman": "rank correlation; -1 or 1 is perfectly monotone.",
    "IoU": "area that map (potency of at least 0.5) and true mask share, over the area that either covers.",
    "ROC-AUC": "chance that a truly rough pixel has a higher potency than a truly smooth one of the same picture, "
    "averaged over pictures; 0.5 is guessing.",
    "binarity B": "Var(s) / (m (1 - m)) of a map: 1 for zeros and ones only, 0 for even grey.",
    "mean chord": "how wide the areas of a map are on average, along rows and columns, both phases together.",
    "re-anchored curve": "a(t) = (m_t - m_T) / (m_0 - m_T) from the mean potency m_t of each label: an estimate of the "
    "decay that leans less on the hypothesis than the potency itself. It says nothing where "
    "the ends are under 0.2 apart.",
    "interval": f"95 % bootstrap over whole sheets where sheets are known, else over pictures; none is given for fewer "
    f"than {MIN_GROUPS}, nor where the score is undefined in over a tenth of the resamples.",
}

CAPTIONS = {
    "limits": "Every test between the value from which on it passes and the one from which on it fails, drawn to one "
    "scale; bold tests decide. Arrows point to values beyond the chart.",
    "chimera": "The chimera: half a picture of the first t joined to half of one of the last, along the broken line. "
    "Left: the joined picture. Middle: its map. Right: what the maps of the two whole pictures show there. A network "
    "that judges each place by its own texture draws the same twice, but for a strip along the seam; one that "
    "recognises whole pictures doesn't.",
    "deletion": "Deletion: texture of the last t is pasted within the lines, where the map was highest. In a faithful "
    "map that area turns red and the rest stays.",
    "baselines": "Test micrographs, the map of this segmenter, and those of simpler methods, each cut at the area that "
    "it is told (blue inside, red outside).",
    "network": "The network with its shapes (paper, Figures 4 and 6): height × width × channels of a training crop, "
    "with its context where it has any. Each convolution but the 1×1 is followed by batch normalisation and ReLU.",
    "learning": "Training, epoch by epoch, on augmented crops (train) and fixed ones (validation). A gap that grows "
    "is overfitting. The run keeps the weights of the marked epoch: the best by validation, or the last where `keep` "
    "says so, or where g is learned while training, since scores against different g can't be compared.",
    "grades": "What the model grades (paper, Figure 8). Left: one dot per picture, shifted a little so that none hides "
    "another. Right: rows are true, columns graded, what is right is framed. Look at how far errors lie from the "
    "diagonal; don't interpret single labels: 3 of 5 right is compatible with anything from 15 to 95 %. Training "
    "pictures say how much was learnt by heart, not how good the model is.",
    "potency": "Potency against the hypothesis (paper, Figure 10). Left: one dot per picture. Right: the mean of each "
    "label, stretched to 1 and 0 at the ends. Where the curves leave the hypothesis in the same way in all splits, "
    "the data contradict it; single labels of few pictures scatter and prove nothing. A curve that fits g shows only "
    "that g can be learnt, not that it is the law: compare runs with other hypotheses.",
    "overlay": "The middle of the first test picture of a few labels, and the potency map over it (paper, Figure 9). "
    "Not chosen by result. Look whether the colours follow structures of the surface; a map without such borders, or "
    "one even colour, shows no areas.",
    "truth": "The same patches beside their true masks (paper, Figure 5; white is 1), which the model has never seen. "
    "Areas and IoU (map of at least 0.5) are of the patch alone; those of whole pictures stand in the table.",
}


ALTS = {
    "limits": "Chart of the value of every trust test between its limits to pass and to fail",
    "chimera": "A joined picture of the first and the last stress time, its map, and the maps of the whole pictures",
    "deletion": "A micrograph and its map, before and after other texture is pasted over the highest part of the map",
    "baselines": "Rows of test micrographs with the potency map and the maps of simpler methods beside it",
    "network": "Diagram of the network: boxes for its stages with their output shapes, arrows for pools and skips",
    "learning": "Two line plots over the epochs, of training and validation: the loss, and the second score",
    "grades": "Scatter plot of graded over true stress time, and the confusion matrix of the test pictures",
    "potency": "Scatter plot of potency over stress time with the hypothesis, and the re-anchored curves of the splits",
    "overlay": "Patches of test micrographs, and below each the same patch coloured by its potency map",
    "truth": "Patches of test micrographs, below each its true mask in black and white, and its potency map",
}

# What stands on the page of a g that no one supposed.
LAW_NOTES = {
    ITERATIVE: "g was not supposed but learned: it started from {name} and moved, while the model trained, to what "
    "the mean potency of each label on the validation pictures said. That the test pictures follow it shows that such "
    "a curve can be learned again, not that it beats another law: compare learned curves of several starts.",
    ANCHORS: "g was not supposed: the model was trained on the first and the last t alone, for 1 and 0. What it says "
    "of the labels between is the estimate of the ageing curve; scores against g count the two ends only.",
}

# Under this, a ROC-AUC is a coin's: calling it a finding needs an interval that excludes 0.5.
_HARDLY = 0.55


def shown(value: float | None, interval: list[float] | None) -> tuple[str, str]:
    """A score and its interval as text, a dash for what there isn't."""
    return (
        "–" if value is None else f"{value:.3f}".replace("-", "−"),
        f"[{interval[0]:.3f}, {interval[1]:.3f}]".replace("-", "−") if interval else "–",
    )


def _count(number: int, things: str) -> str:
    return f"{number} {things if number != 1 else things.removesuffix('s')}"


def no_interval(part: dict[str, Any]) -> str:
    """Why a split's scores carry no interval, "" where they do."""
    if part["groups"] >= MIN_GROUPS:
        return ""
    return f"no intervals: {_count(part['groups'], part['resampled'])}, at least {MIN_GROUPS} are needed"


def with_interval(part: dict[str, Any], name: str, digits: int = 2) -> str:
    """A score of a split in a sentence, with its interval where it has one.

    Args:
        part: scores and intervals of a split.
        name: of the score.
        digits: behind the point.
    """
    value, interval = part["scores"][name], part["intervals"][name]
    if value is None:
        return "undefined"
    if not interval:
        return f"{value:.{digits}f}"
    return f"{value:.{digits}f} (95 % interval {interval[0]:.{digits}f} to {interval[1]:.{digits}f})"


def _grades_verdict(test: dict[str, Any]) -> str:
    accuracy = test["scores"]["accuracy"]
    per_label = [sum(row) for row in test["confusion"]]
    commonest = max(per_label) / max(sum(per_label), 1)
    low = (test["intervals"]["accuracy"] or [accuracy])[0]
    chance = f"{commonest:.2f} of always answering the commonest label"
    return (
        f"the grade is right in a share of {with_interval(test, 'accuracy')}, "
        f"{'against the' if low > commonest else 'not clearly more than the'} {chance}; by the median it is "
        f"{with_interval(test, 'median_mae')} steps off on average"
    )


def _compared(law: dict[str, Any]) -> str:
    """What the potency is compared with."""
    if law.get("learn") == ANCHORS:
        return "g at the first and the last t, the only ones trained on,"
    return "the learned g" if "start" in law else "the hypothesis"


def _potency_verdict(test: dict[str, Any], law: dict[str, Any]) -> str:
    g = _compared(law)
    nmse, interval = test["scores"]["nmse"], test["intervals"]["nmse"]
    shown = f"an NMSE of {with_interval(test, 'nmse')}"
    if nmse is None:
        text = f"the potency can't be compared with {g}, which is the same for all of them"
    elif nmse >= 1:
        text = f"the potency does not follow {g}: {shown}, where a constant reaches 1"
    elif interval and interval[1] >= 1:
        text = f"it is not sure that the potency follows {g}: {shown}, where a constant reaches 1"
    else:
        text = f"the potency follows {g} with {shown}"
    auc, sure = test["scores"].get("auc"), test["intervals"].get("auc")
    if auc is None:
        return text
    found = f"the true rough areas {{}}a ROC-AUC of {with_interval(test, 'auc')}"
    if sure[0] > 0.5 if sure else auc >= _HARDLY:
        return text + ", and the maps find " + found.format("with ")
    return text + "; the maps don't find " + found.format("better than guessing: ")


def verdict(scores: dict[str, Any]) -> str:
    """One sentence of what the test pictures say, beside what knowing nothing would reach."""
    test = scores["splits"]["test"]
    sheets = f" from {_count(test['groups'], 'sheets')}" if test["resampled"] == "sheets" else " (sheets unknown)"
    law = scores.get("hypothesis", {})
    text = _grades_verdict(test) if scores["kind"] == "classifier" else _potency_verdict(test, law)
    if scores.get("folds"):
        sheets += f", each by that one of {scores['folds']} folds that had not seen it"
    reason = no_interval(test)
    return f"On {_count(test['pictures'], 'test pictures')}{sheets}, {text}" + (f" ({reason})." if reason else ".")


def unlike_text(found: dict[str, Any] | None) -> str:
    """Which test pictures are unlike those of training; empty where an earlier version evaluated them.

    Args:
        found: what an evaluation says of it.
    """
    if found is None:
        return ""
    texts = [f"{file} ({reason})" for file, reason in found["pictures"]]
    more = f" and {len(texts) - _NAMED} more, see pictures.csv" if len(texts) > _NAMED else ""
    which = f": {', '.join(texts[:_NAMED])}{more}" if texts else ""
    verb = "is" if len(texts) < 2 else "are"
    some = f"Of {found['of']} test pictures {len(texts) or 'none'} {verb} unlike those of training{which}."
    lines = [some] if texts or sum(found["untold"].values()) < found["of"] else []
    return " ".join(
        [*lines, *(f"{n} of {found['of']} test pictures were {text}." for text, n in found["untold"].items())]
    )
