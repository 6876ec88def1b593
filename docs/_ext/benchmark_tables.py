"""The tables of the benchmark pages, one function each: from the content of a results file to a head and rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from decision_tables import DECISION_TABLES
from unknown_law_tables import UNKNOWN_LAW_TABLES

from benchmarks.classifier_settings import RECIPES

__all__ = ["TABLES", "Table"]

Content = dict[str, Any]
Table = tuple[Sequence[str], list[list[Any]]]

_TITLES = {
    "iou": "IoU", "auc": "ROC-AUC", "corr_fraction": "correlation with the true share", "nmse": "NMSE",
    "binarity": "binarity", "corr without sheets' bias": "the same without the bias of sheets",
}  # fmt: skip


def _spread(values: Iterable[float | None]) -> str:
    """Least and largest of what is known."""
    known = [v for v in values if v is not None]
    if not known:
        return "–"
    low, high = min(known), max(known)
    return f"{low:.3f}" if low == high else f"{low:.3f} to {high:.3f}"


def _acceptance(content: Content) -> Table:
    from benchmarks.acceptance.acceptance import verdicts

    rows, _ = verdicts([content[seed] for seed in sorted(content)])
    return ["", "experiment", "required", "measured", "holds in"], [row[:5] for row in rows]


def _laws(content: Content) -> Table:
    learned: dict[str, list[float]] = {}
    for seed in content.values():
        for name, found in seed.items():
            if " from " in name:
                learned.setdefault(name.partition(" from ")[0], []).append(found["sup_error"])
    return ["true law", "largest distance of the learned g"], [[law, _spread(off)] for law, off in learned.items()]


def _exponents(content: Content) -> Table:
    found: dict[str, list[Content]] = {}
    for seed in content.values():
        for name, one in seed.items():
            if name.startswith("exponent "):
                found.setdefault(one["law"], []).append(one)
    rows = [
        [law, len(of), _spread(one["exponent"] for one in of), f"{sum(one['covered'] for one in of):.0f} of {len(of)}"]
        for law, of in found.items()
    ]
    return ["true law", "worlds", "exponent found", "95 % interval covers the truth"], rows


def _superalloy(content: Content) -> Table:
    chosen = {"starts": "squared error", "starts kl": "`--loss kl`", "told every pixel": "told every pixel"}
    rows = []
    for name, title in chosen.items():
        for seed, one in sorted(content.get(name, {}).items()):
            rows.append([title, int(seed), *(one.get(key) for key in _TITLES)])
    return ["trained by", "seed", *_TITLES.values()], rows


def _superalloy_depths(content: Content) -> Table:
    rows = []
    for d, name in ((2, "starts d=2, fold 1"), (3, "starts, fold 1"), (4, "starts d=4, fold 1")):
        for seed, one in sorted(content.get(name, {}).items()):
            rows.append([d, int(seed), *(one.get(key) for key in list(_TITLES)[:5])])
    return ["d", "seed", *list(_TITLES.values())[:5]], rows


def _starts(content: Content) -> Table:
    rows = []
    for name, one in content["0"].items():
        tries, _, world = name.removeprefix("starts ").partition(" ")
        refused = "not supported" if one["not supported"] else "not refused"
        numbers = [one[key] for key in ("auc", "nmse", "binarity", "curve gap")]
        rows.append([world, {"one": 1}.get(tries, tries), *numbers, refused])
    rows.sort(key=lambda row: str(row[0]))
    head = ["simulated world", "starts", "ROC-AUC", "NMSE", "binarity", "gap of two curves"]
    return [*head, "`copper trust`"], rows


_VARIANTS = {
    "plain": "the recipe: squared error (Eq. 4), cosine decay, gain, offset, margin",
    "step size stays": "`--schedule constant`",
    "no gain, no offset": "`--gain 0 --offset 0`",
    "cross-entropy": "cross-entropy, which has the gradient of `--loss kl`",
    "kl": "`--loss kl`",
    "binarity .01": "penalty 0.01 mean(s (1 - s)) after 30 % of the steps",
    "temperature .5": "logits of the mask divided by 0.5",
    "kl, temperature .5": "both of these",
    "consistency .05": "penalty 0.05 on the squared difference of two views",
    "local window": "`--normalisation local --window 127`",
    "no margin": "`--margin 0`",
}


def _better_maps(content: Content, real: bool) -> Table:
    seeds = content["superalloy, fold 1"] if real else {k: v for k, v in content.items() if k.isdigit()}
    keys = ("one iou", "all iou", "all auc", "all nmse", "all binarity")
    rows = []
    for name, title in _VARIANTS.items():
        of = [seed[name] for seed in seeds.values() if name in seed]
        if of:
            rows.append([title, len(of), *(_spread(one.get(key) for one in of) for key in keys)])
    head = ["variant", "seeds", "IoU, one view", "IoU, eight views", "ROC-AUC, eight views", "NMSE, eight views"]
    return [*head, "binarity"], rows


_SETTINGS = {
    "held out": "as in training, new sheets", "scale": "magnification times", "defocus": "defocus, px",
    "electrons": "electrons per px", "offset": "brighter by, of full scale", "gain": "contrast times",
}  # fmt: skip


def _ood(content: Content) -> Table:
    small = {one["set"]: one["flagged"] for one in content["simulated 128 px"]}
    rows = []
    for one in content["simulated 256 px"]:
        what, _, value = one["set"].rpartition(" ") if one["set"] != "held out" else ("held out", "", "")
        number = f" {float(value):g}" if value else ""
        within = "yes" if one["range"] == "within" else "no"
        rows.append([f"{_SETTINGS[what]}{number}", within, one["flagged"], small.get(one["set"])])
    return ["new pictures", "within the range of training", "flagged at 256 px", "flagged at 128 px"], rows


def _inference(content: Content) -> Table:
    networks = content["networks"]
    ours = {name: of["times"]["openvino-int8"]["seconds"] for name, of in networks.items()}
    rows = []
    for who in next(iter(networks.values()))["times"]:
        times = [of["times"][who] for of in networks.values()]
        ratios = [t["seconds"] / ours[name] for name, t in zip(networks, times, strict=True)]
        cells = [[f"{t['seconds']:.2f}", f"{r:.1f}", f"{t['peak_mb']:.0f}"] for t, r in zip(times, ratios, strict=True)]
        rows.append([f"`{who}`" if "torch" not in who else who.replace("torch", "PyTorch"), *cells[0], *cells[1]])
    head = ["", *(f"{name}: {what}" for name in networks for what in ("s", "times as long", "peak MB"))]
    return head, rows


def _deviations(content: Content) -> Table:
    places = {**{name: of["deviations"] for name, of in content["networks"].items()}, "real pictures": content["real"]}
    rows = [
        [name, f"`{form}`", one["pictures"], f"{one['map']:.1e}", f"{one['potency']:.1e}"]
        for name, of in places.items()
        for form, one in (of or {}).items()
    ]
    return ["network", "format", "pictures", "map off by, mean of the worst", "potency off by, worst"], rows


def _step(content: Content) -> Table:
    rows = []
    for name, of in content.items():
        ours = of["times"]["copper_tf bfloat16"]["seconds"]
        ratios = [of["ratios"][peer]["seconds"] for peer in ("torch", "keras")]
        rows.append([name, f"{of['gflop']:.0f}", ours, *(f"{ratio:.2f}" for ratio in ratios)])
    head = ["network, border", "GFLOP", "`copper train`, bfloat16, s", "PyTorch's best, times as long"]
    return [*head, "Keras' own layers, times as long"], rows


def _streaming(content: Content) -> Table:
    return ["500 pictures of 640x480 px", "ms per picture"], [
        [name, f"{1000 * seconds:.0f}"] for name, seconds in content["seconds"].items()
    ]


def _bulk(content: Content) -> Table:
    rows = [
        [name, f"{of['per_second']:.0f}", f"{of['largest_mb_200']:.0f}",
         f"{of['largest_mb_10000']:.0f}" if "largest_mb_10000" in of else "–"]
        for name, of in content["found"].items()
    ]  # fmt: skip
    return ["", "pictures per second", "peak MB of a worker, 200 pictures", "10,000 pictures"], rows


def _mosaic(content: Content) -> Table:
    rows = [[f"{int(side):,}", f"{of['seconds']:.0f}", f"{of['peak_mb']:.0f}"] for side, of in content["sides"].items()]
    return ["px a side", "seconds", "peak MB"], rows


def _memory(content: Content) -> Table:
    of = content["configurations"].values()
    sizes = _spread(one["measured"] / 1e9 for one in of)
    low, high = 1 - content["lowest"], content["highest"] - 1
    error = f"{content['median_error']:.1%}"
    return ["configurations", "measured, GB", "median error", "too low, at worst", "too high, at worst"], [
        [len(of), sizes, error, f"{low:.1%}", f"{high:.1%}"]
    ]


def _evaluation(content: Content) -> Table:
    rows = [[name, seconds, seconds / content["pictures"]] for name, seconds in content["seconds"].items()]
    return ["", "s", "s a picture"], [[name, f"{all_of:.0f}", f"{one:.3f}"] for name, all_of, one in rows]


def _pipeline(content: Content) -> Table:
    found = content["crops_per_second"]
    return ["crops of 256 px from pictures of 960x1280 px", "per second"], [
        ["`copper train`", f"{found['copper_tf']:.0f}"],
        ["`keras.utils.image_dataset_from_directory`", f"{found['keras']:.0f}"],
    ]


def _building(content: Content) -> Table:
    counts = [key for key in content if key.isdigit()]
    rows = [
        [key, *(f"{content[key][name]:.0f}" for name in ("ms_per_picture", "peak_mb", "records_mb"))] for key in counts
    ]
    return ["pictures of 128x160 px", "ms per picture", "peak MB", "records, MB"], rows


def _search(content: Content) -> Table:
    rows = []
    for name, one in content.items():
        trials = [trial for trial in one["trials"] if trial["objective"] is not None]
        done = sum(trial["status"] == "done" for trial in trials)
        reached, share = max(trial["objective"] for trial in trials), f"{one['cost']['share']:.0%}"
        rows.append([name, share, len(trials), done, one["best"], reached, one["standard_error"]])
    head = ["search", "share of the grid's steps", "tried", "of these to the end", "best", "validation accuracy"]
    return [*head, "standard error"], rows


def _overlaps(content: Content) -> Table:
    sizes = list(next(iter(content["surfaces"].values()))["unlike"])
    rows = [
        [surface, share, *(of_share.get(size) for size in sizes)]
        for surface, found in content["surfaces"].items()
        for share, of_share in found["overlaps"].items()
    ]
    return ["surface", "area in common", *(f"found at {size} px" for size in sizes)], rows


def _unlike(content: Content) -> Table:
    rows = [
        [surface, size, *of_size.values()]
        for surface, found in content["surfaces"].items()
        for size, of_size in found["unlike"].items()
    ]
    return ["surface", "px", "unlike pictures", "pairs called alike", "ms a fingerprint", "ms to match and check"], rows


def _marks_leak(content: Content) -> Table:
    kept = content["qwk"]["kept"]
    titles = {"linear": "linear, by place", "lbp": "texture (LBP)", "histogram": "grey values", "network": "network"}
    rows = [[arm, *(_spread(of_arm[name]) for name in kept)] for arm, of_arm in content["qwk"].items()]
    return ["text", *(f"QWK, {titles[name]}" for name in kept)], rows


def _imbalance(content: Content) -> Table:
    names = {"rare": "recall, rare labels", "others": "other labels", "balanced": "all labels", "qwk": "QWK"}
    rows = [
        [f"`{arm}`", *(_spread(seed[name] for seed in seeds) for name in names)]
        for arm, seeds in content["scores"].items()
    ]
    return ["`class_weight`", *names.values()], rows


def _paper(content: Content) -> Table:
    agrees = {None: "–", True: "yes", False: "no"}
    rows = [[one["figure"], one["paper"], one["ours"], agrees[one["agrees"]]] for one in content["statements"]]
    return ["figure", "the paper's shows", "here", "agrees"], rows


def _paper_epochs(content: Content) -> Table:
    rows = [
        [
            one["model"], one["epochs"], one["steps"], f"{one['epoch_seconds']:.1f}", f"{one['step_seconds']:.3f}",
            f"{one['ratio']:.2f}",
        ]
        for one in content["epochs"]
    ]  # fmt: skip
    return ["model", "epochs", "steps of an epoch", "s an epoch", "s a step", "epoch over its steps"], rows


def _paper_minutes(content: Content) -> Table:
    seconds = content["seconds"]
    rows = [[stage.replace("_", " "), f"{value / 60:.1f}"] for stage, value in seconds.items()]
    return ["stage", "minutes"], [*rows, ["all", f"{sum(seconds.values()) / 60:.0f}"]]


def _classifier_settings(content: Content) -> Table:
    titles = {"qwk": "QWK", "median_qwk": "QWK by the median", "mae": "error in steps", "median_mae": "by the median"}
    of_seeds: dict[tuple[str, str], list[Content]] = {}
    for one in content["networks"]:
        of_seeds.setdefault((one["surface"], one["recipe"]), []).append(one)
    rows, order = [], list(RECIPES)
    for (surface, recipe), found in sorted(of_seeds.items(), key=lambda item: (item[0][0], order.index(item[0][1]))):
        epochs = "/".join(f"{n:.0f}" for n in sorted({one["epochs"] for one in found}))
        rows.append([surface, recipe, len(found), *(_spread(one[name] for one in found) for name in titles), epochs])
    return ["surface", "recipe", "seeds", *titles.values(), "epochs"], rows


def _quality(content: Content) -> Table:
    rows = []
    for name, race in content.items():
        for contestant, found in race["times"].items():
            seconds = "not reached" if found["seconds"] is None else f"{found['seconds']:.0f}"
            rows.append([name, contestant, f"{found['ready']:.0f}", seconds, f"{found['epochs']:.0f}"])
    return ["model and pictures", "trained by", "s to the first step", "s until it is good", "epochs"], rows


# By the name that a page gives: the results file, and what makes a table of it.
TABLES: dict[str, tuple[str, Callable[[Content], Table]]] = {
    "acceptance": ("acceptance", _acceptance),
    "acceptance-kl": ("acceptance-kl", _acceptance),
    "laws": ("laws", _laws),
    "exponents": ("laws", _exponents),
    "superalloy": ("superalloy", _superalloy),
    "superalloy-depths": ("superalloy", _superalloy_depths),
    "starts": ("starts", _starts),
    "better-maps": ("better_maps", lambda content: _better_maps(content, real=False)),
    "better-maps-real": ("better_maps", lambda content: _better_maps(content, real=True)),
    "ood": ("guard_rails", _ood),
    "inference": ("inference", _inference),
    "deviations": ("inference", _deviations),
    "step": ("step", _step),
    "streaming": ("streaming", _streaming),
    "bulk": ("bulk", _bulk),
    "mosaic": ("mosaic", _mosaic),
    "memory": ("memory", _memory),
    "evaluation": ("evaluation", _evaluation),
    "pipeline": ("pipeline", _pipeline),
    "building": ("building", _building),
    "overlaps": ("duplicates", _overlaps),
    "unlike": ("duplicates", _unlike),
    "marks-leak": ("marks_leak", _marks_leak),
    "imbalance": ("imbalance", _imbalance),
    "search": ("search", _search),
    "paper": ("paper", _paper),
    "paper-epochs": ("paper", _paper_epochs),
    "paper-minutes": ("paper", _paper_minutes),
    "quality": ("quality", _quality),
    "classifier-settings": ("classifier_settings", _classifier_settings),
    **DECISION_TABLES,
    **UNKNOWN_LAW_TABLES,
}
