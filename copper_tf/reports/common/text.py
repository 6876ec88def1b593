"""The texts that pages share: verdicts that say no more than the scores do, captions, and a glossary."""

from __future__ import annotations

import math
from collections.abc import Sequence

from copper_tf.analysis.evaluation_results import OutOfDistribution, ScoreSummary, SplitScores
from copper_tf.config import ANCHORS, AREAS, FIXED, ITERATIVE
from copper_tf.runs.labels import Labels
from copper_tf.runs.records import HypothesisRecord
from copper_tf.statistics.bootstrap import MIN_GROUPS
from copper_tf.statistics.chords import LIMIT

__all__ = [
    "ALTS",
    "CAPTIONS",
    "GLOSSARY",
    "SCORE_NAMES",
    "format_score",
    "learned_note",
    "map_assumptions",
    "no_interval",
    "out_of_distribution_text",
    "p_value",
    "potency_note",
    "verdict",
    "with_interval",
]

# At most so many pictures are named in a sentence.
_NAMED = 5
_INDEX_NOTE = (
    "Potency is an index relative to the end labels of this run, neither adhesion itself nor comparable between runs. "
    "The map shows resemblance to the surface at the first t, {first}: 1 (blue) looks like it, 0 (red) looks like the "
    "surface at the last t, {last}."
)
_AREA_NOTE = (
    "Potency is the area share of one of two phases, not adhesion itself. The map shows where that phase is: 1 (blue) "
    "is the phase of which there is more at the first t, {first}, 0 (red) the one of which there is more at the last "
    "t, {last}."
)
_ENDS_SUPPOSED = (
    "The scale assumes that the surface is rough everywhere at the first t (f = 1) and nowhere at the last t (f = 0). "
    "The pictures can't prove this."
)
_ENDS_LEARNED = "Where f starts and ends was learned, as the area that maps mark, and not supposed."
_LOCAL = (
    "A map shows areas only if the surface has two phases and the network is local: what it looks at around a place "
    f"should be at most {LIMIT:g} times as wide as the areas that it is to find."
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
}

GLOSSARY = {
    "accuracy": "share of pictures graded with their own label; within one step counts a neighbouring label as "
    "right too.",
    "NMSE": "mean squared error of the potency over the variance of g on the same pictures: 0 is perfect, 1 is what "
    "a constant reaches. It can't be made small by a flat hypothesis, as raw MSE can.",
    "MAE": "mean absolute error: in steps of the label for grades, in potency for maps.",
    "QWK": "quadratic-weighted kappa: agreement of grades beyond chance, errors weighted by the square of their steps; "
    "1 is perfect, 0 is chance.",
    "by the median": "the grade at the middle of the probabilities instead of the most probable one; on ordered "
    "labels it is off by fewer steps.",
    "Spearman": "rank correlation; -1 or 1 is perfectly monotone.",
    "IoU": "area that map (potency of at least 0.5) and true mask share, over the area that either covers.",
    "ROC-AUC": "chance that a truly rough pixel has a higher potency than a truly smooth one of the same picture, "
    "averaged over pictures; 0.5 is guessing.",
    "binarity B": "Var(s) / (m (1 - m)), of all maps together: 1 for zeros and ones only, 0 for even grey.",
    "mean chord": "average width of the areas of a map, along rows and columns, both phases together.",
    "stretched curve": "a(t) = (m_t - m_T) / (m_0 - m_T) from the mean potency m_t of each label: an estimate of the "
    "decay that depends less on the hypothesis than the potency itself. It means nothing where "
    "the ends are less than 0.2 apart.",
    "interval": f"95 % bootstrap interval over whole sheets where sheets are known, else over pictures; none is given "
    f"for fewer than {MIN_GROUPS}, nor where the score is undefined in more than a tenth of the resamples.",
}

CAPTIONS = {
    "limits": "Every test on one scale between its limit to pass and its limit to fail; tests in bold decide. Arrows "
    "point to values beyond the chart.",
    "chimera": "Joined pictures: half of one of the first t beside half of one of the last, along the broken line. "
    "Left: the joined picture. Middle: its map. Right: what the maps of the two whole pictures show there. A network "
    "that judges each place by its own texture draws the same twice, except for a strip along the seam; one that "
    "recognises whole pictures doesn't.",
    "deletion": "Pasted texture: that of the last t lies within the lines, where the map was highest. In a faithful "
    "map that area turns red and the rest stays.",
    "baselines": "Test micrographs, the map of this segmenter, and those of simpler methods, each cut at a given area "
    "(blue inside, red outside).",
    "network": "The network with its shapes (paper, Figures 4 and 6): height × width × channels of a training crop, "
    "with its margin where it has one. Each convolution but the 1×1 is followed by batch normalisation and ReLU.",
    "learning": "Training, epoch by epoch, on augmented crops (train) and fixed ones (validation). A growing gap means "
    "overfitting. The run keeps the weights of the marked epoch: the best by validation, or the last where the setting "
    "keep says so or g is learned while training, since scores against different g can't be compared.",
    "grades": "What the model grades (paper, Figure 8). Left: one dot per picture, shifted a little so that none hides "
    "another. Right: rows are true labels, columns grades; right answers are framed. Look at how far errors lie from "
    "the diagonal; don't interpret single labels: 3 of 5 right is compatible with anything from 15 to 95 %. Training "
    "pictures show how much was memorised, not how good the model is.",
    "potency": "Potency against the hypothesis (paper, Figure 10). Left: one dot per picture. Right: the mean of each "
    "label, stretched to 1 and 0 at the ends. Where the curves leave the hypothesis in the same way in all splits, "
    "the data contradict it; single labels of few pictures scatter and prove nothing. A curve that fits g only shows "
    "that g can be learned, not that it is the true decay: compare runs with other hypotheses.",
    "overlay": "The middle of the first test picture of a few labels, and the potency map over it (paper, Figure 9). "
    "Not chosen by result. Check whether the colours follow structures of the surface; a map without such borders, "
    "or of one even colour, shows no areas.",
    "truth": "The same patches beside their true masks (paper, Figure 5; white is 1), which the model has never seen. "
    "Areas and IoU (map of at least 0.5) are those of the patch; the table gives those of whole pictures.",
}


ALTS = {
    "limits": "Chart of the value of every trust test between its limits to pass and to fail",
    "chimera": "A joined picture of the first and the last stress time, its map, and the maps of the whole pictures",
    "deletion": "A micrograph and its map, before and after other texture is pasted over the highest part of the map",
    "baselines": "Rows of test micrographs with the potency map and the maps of simpler methods beside it",
    "network": "Diagram of the network: boxes for its stages with their output shapes, arrows for pools and skips",
    "learning": "Two line plots over the epochs, of training and validation: the loss, and the second score",
    "grades": "Scatter plot of graded over true stress time, and the confusion matrix of the test pictures",
    "potency": "Scatter plot of potency over stress time with the hypothesis, and the stretched curves of the splits",
    "overlay": "Patches of test micrographs, and below each the same patch coloured by its potency map",
    "truth": "Patches of test micrographs, below each its true mask in black and white, and its potency map",
}

# What the page says of a g that was learned; by the way, and where its ends were left free.
_FREE = "free ends"
_LEARNED_NOTES = {
    _FREE: "g was not supposed but learned: its shape started from {name} and followed, while the model trained, the "
    "mean potency of each label; where it starts and ends is the area that sharp maps mark. So the potency is an area "
    "share, and not an index between the two ends. Which phase adheres better is for adhesion measurements to say.",
    ITERATIVE: "g was not supposed but learned: it started from {name} and moved, while the model trained, to what "
    "the mean potency of each label on the validation pictures was. That the test pictures follow it shows that "
    "such a curve can be learned, not that it is better than another one: compare curves learned from several starts.",
    AREAS: "g was not supposed but learned: it is the area share that first maps of this surface mark at each t, so "
    "the potency is an area share, too, and not an index between the two ends. Which phase adheres better is for "
    "adhesion measurements to say.",
    FIXED: "Of g only the shape was supposed, {name}; where it starts and ends was learned, as the area that sharp "
    "maps mark, so the potency is an area share, and not an index between the two ends.",
    ANCHORS: "g was not supposed: the model was trained on the first and the last t alone, for 1 and 0. Its potency at "
    "the labels in between is the estimate of the ageing curve; scores against g count the two ends only.",
}

# A ROC-AUC below this is hardly better than guessing, unless its interval excludes 0.5.
_HARDLY = 0.55


def format_score(value: float | None, interval: Sequence[float] | None) -> tuple[str, str]:
    """A score and its interval as text, a dash for what is unknown."""
    return (
        "–" if value is None or not math.isfinite(value) else f"{value:.3f}".replace("-", "−"),
        f"[{interval[0]:.3f}, {interval[1]:.3f}]".replace("-", "−") if interval else "–",
    )


def p_value(value: float | None) -> str:
    """A p value, or that it is very small; a dash for what is unknown."""
    if value is None or not math.isfinite(value):
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def potency_note(labels: Labels, hypothesis: HypothesisRecord | None = None) -> str:
    """What a potency is.

    Args:
        labels: of the model.
        hypothesis: its g; None where there are several, or none.
    """
    names = labels.names
    return (_AREA_NOTE if hypothesis and hypothesis.ends_are_learned else _INDEX_NOTE).format(
        first=names[0], last=names[-1]
    )


def learned_note(hypothesis: HypothesisRecord) -> str:
    """What a page says of a g that was learned; empty where it was given."""
    if hypothesis.learn == FIXED and not hypothesis.ends_are_learned:
        return ""
    free = hypothesis.learn == ITERATIVE and hypothesis.ends_are_learned
    return _LEARNED_NOTES[_FREE if free else hypothesis.learn].format(name=hypothesis.name)


def map_assumptions(hypothesis: HypothesisRecord) -> tuple[str, str]:
    """What reading the maps of a model as areas rests on."""
    return _ENDS_LEARNED if hypothesis.ends_are_learned else _ENDS_SUPPOSED, _LOCAL


def _count(number: int, things: str) -> str:
    return f"{number} {things if number != 1 else things.removesuffix('s')}"


def no_interval(scores: ScoreSummary) -> str:
    """Why scores carry no interval, "" where they do."""
    if scores.groups >= MIN_GROUPS:
        return ""
    return f"no intervals: {_count(scores.groups, scores.resampled)}, at least {MIN_GROUPS} are needed"


def with_interval(scores: ScoreSummary, name: str) -> str:
    """A score in a sentence, with its interval where it has one.

    Args:
        scores: of a split or a grader.
        name: of the score.
    """
    value, interval = scores.scores[name], scores.intervals[name]
    if not math.isfinite(value):
        return "undefined"
    if not interval:
        return f"{value:.2f}"
    return f"{value:.2f} (95 % interval {interval[0]:.2f} to {interval[1]:.2f})"


def _grades_verdict(test: SplitScores) -> str:
    accuracy = test.scores["accuracy"]
    per_label = [sum(row) for row in test.confusion]
    commonest = max(per_label) / max(sum(per_label), 1)
    low = (test.intervals["accuracy"] or (accuracy,))[0]
    baseline = f"the {commonest:.2f} that always answering the commonest label reaches"
    return (
        f"the grade is right in a share of {with_interval(test, 'accuracy')}, "
        f"{'against' if low > commonest else 'not clearly more than'} {baseline}; by the median it is "
        f"{with_interval(test, 'median_mae')} steps off on average"
    )


def _reference(hypothesis: HypothesisRecord) -> str:
    """What the potency is compared with."""
    if hypothesis.learn == ANCHORS:
        return "g at the first and the last t, the only ones trained on,"
    return "the learned g" if hypothesis.initial_g else "the hypothesis"


def _potency_verdict(test: SplitScores, hypothesis: HypothesisRecord) -> str:
    g = _reference(hypothesis)
    nmse, interval = test.scores["nmse"], test.intervals["nmse"]
    measured = f"an NMSE of {with_interval(test, 'nmse')}"
    if not math.isfinite(nmse):
        text = f"the potency can't be compared with {g}, which is the same for all of them"
    elif nmse >= 1:
        text = f"the potency does not follow {g}: {measured}, where a constant reaches 1"
    elif interval and interval[1] >= 1:
        text = f"it is not certain that the potency follows {g}: {measured}, where a constant reaches 1"
    else:
        text = f"the potency follows {g} with {measured}"
    auc, auc_interval = test.scores.get("auc", math.nan), test.intervals.get("auc")
    if not math.isfinite(auc):
        return text
    reached = f"the true rough areas {{}}a ROC-AUC of {with_interval(test, 'auc')}"
    if auc_interval[0] > 0.5 if auc_interval else auc >= _HARDLY:
        return text + ", and the maps find " + reached.format("with ")
    return text + "; the maps don't find " + reached.format("better than guessing: ")


def verdict(kind: str, test: SplitScores, hypothesis: HypothesisRecord, folds: int = 0) -> str:
    """One sentence on the test pictures, beside what a guess would reach.

    Args:
        kind: ``"classifier"`` or ``"segmenter"``.
        test: the scores of the test pictures.
        hypothesis: the g that the run was trained for.
        folds: number of folds whose test pictures are pooled, 0 for a single run.
    """
    text = _grades_verdict(test) if kind == "classifier" else _potency_verdict(test, hypothesis)
    sheets = f" from {_count(test.groups, 'sheets')}" if test.resampled == "sheets" else " (sheets unknown)"
    if folds:
        sheets += f", each by the one of {folds} folds that was not trained on it"
    reason = no_interval(test)
    return f"On {_count(test.pictures, 'test pictures')}{sheets}, {text}" + (f" ({reason})." if reason else ".")


def out_of_distribution_text(found: OutOfDistribution) -> str:
    """Which test pictures differ from those of training, in a few sentences."""
    texts = [f"{file} ({reason})" for file, reason in found.different]
    more = f" and {len(texts) - _NAMED} more, see pictures.csv" if len(texts) > _NAMED else ""
    which = f": {', '.join(texts[:_NAMED])}{more}" if texts else ""
    verb = "differs" if len(texts) < 2 else "differ"
    result = f"Of {found.pictures} test pictures {len(texts) or 'none'} {verb} from those of training{which}."
    sentences = [result] if texts or sum(found.not_compared.values()) < found.pictures else []
    return " ".join(
        [*sentences, *(f"{n} of {found.pictures} test pictures were {text}." for text, n in found.not_compared.items())]
    )
