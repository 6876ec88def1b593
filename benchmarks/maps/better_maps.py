"""What makes a better map: each idea of the literature against the plain recipe, on the same splits, over seeds.

    python -m benchmarks.maps.better_maps --seeds 3                                   # the synthetic world
    python -m benchmarks.maps.better_maps --seeds 2 --data DATA --g 0.736 0.635 ...   # folds of a dataset with masks

One loop trains every variant, so nothing but the idea differs; ideas that did not earn a place in the package live only
here. Every run is kept as JSON, with its maps; a second call does only what is missing.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.acceptance import worlds
from benchmarks.acceptance.experiments import config
from benchmarks.seeds import Results, kept, parser, seeds_of, spread
from copper_tf.cli.tables import print_table
from copper_tf.config import KL, LOSSES, Config

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

    from tfds_copper.dataset import Dataset

__all__ = ["VARIANTS", "Variant", "main"]

# Penalties start at this share of the training: before it, there is no map to sharpen.
_FROM = 0.3
_SHOWN = ("iou", "auc", "corr_fraction", "nmse", "binarity")
_TELLS = "scatter tells errors"


@dataclass(frozen=True)
class Variant:
    """One idea.

    Attributes:
        binarity: weight of mean(s (1 - s)), which a mask of zeros and ones has at 0.
        temperature: by which the logits of the mask are divided while training and after it.
        consistency: weight of the squared difference between the maps of two views.
        changed: settings that differ.
    """

    binarity: float = 0.0
    temperature: float = 1.0
    consistency: float = 0.0
    changed: dict[str, Any] = dataclasses.field(default_factory=dict)


VARIANTS = {
    "plain": Variant(),
    "step size stays": Variant(changed={"schedule": "constant"}),
    "no gain, no offset": Variant(changed={"gain": 0.0, "offset": 0.0}),
    "kl": Variant(changed={"loss": KL}),
    "binarity .01": Variant(binarity=0.01),
    "temperature .5": Variant(temperature=0.5),
    "kl, temperature .5": Variant(temperature=0.5, changed={"loss": KL}),
    "consistency .05": Variant(consistency=0.05),
    "local window": Variant(changed={"normalisation": "local", "window": 127}),
    "no margin": Variant(changed={"margin": 0}),
}


def _sharpened(mask: tf.Tensor, temperature: float) -> tf.Tensor:
    """The mask with its logits divided by the temperature."""
    import tensorflow as tf

    if temperature == 1:
        return mask
    safe = tf.clip_by_value(mask, 1e-6, 1 - 1e-6)
    return tf.sigmoid((tf.math.log(safe) - tf.math.log(1 - safe)) / temperature)


def _step(model: keras.Model, optimizer: Any, variant: Variant, settings: Config) -> Callable[..., Any]:
    """One training step: (crops, g of each, weight of the penalties) -> loss."""
    import tensorflow as tf

    from copper_tf.models.losses import potency
    from copper_tf.models.tta import apply_symmetry, undo_symmetry

    margin, turns, distance = settings.data.margin, settings.tta_views, LOSSES[settings.training.loss].distance

    def cost(x: tf.Tensor, g: tf.Tensor, share: tf.Tensor) -> tf.Tensor:
        mask = _sharpened(model(x, training=True), variant.temperature)
        loss = tf.reduce_mean(distance(potency(mask, margin), g))
        if variant.binarity:
            loss += variant.binarity * share * tf.reduce_mean(potency(mask * (1 - mask), margin))
        if variant.consistency:
            other = undo_symmetry(
                _sharpened(model(apply_symmetry(x, turns - 1), training=True), variant.temperature), turns - 1
            )
            loss += variant.consistency * share * tf.reduce_mean(tf.square(other - mask))
        return loss

    @tf.function(jit_compile=False)
    def step(x: tf.Tensor, g: tf.Tensor, share: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = cost(x, g, share)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss

    return step


def _maps(
    model: keras.Model, normalise: Callable[..., np.ndarray], built: Dataset, variant: Variant, turns: int
) -> Any:
    """(maps, truths, labels) of the test pictures, all of one size."""
    import tensorflow as tf

    from copper_tf.data.normalisation import grey
    from copper_tf.data.pictures import examples
    from copper_tf.models.tta import average_over_symmetries

    network = tf.function(
        average_over_symmetries(lambda x: _sharpened(model(x, training=False), variant.temperature), turns)
    )
    maps, truths, labels = [], [], []
    for example in examples(built, "test"):
        values = normalise(grey(example.pixels, example.bit_depth))
        maps.append(network(tf.constant(values[None, ..., None])).numpy()[0, ..., 0])
        truths.append(example.truth)
        labels.append(example.label)
    return np.array(maps), np.array(truths), np.array(labels)


def scored(maps: np.ndarray, truths: np.ndarray, labels: np.ndarray, g: Sequence[float]) -> Results:
    """Mean scores of maps against their truths."""
    from copper_tf.statistics.scores import binarity, pixel_scores, potency_scores

    each = [pixel_scores(s, t) for s, t in zip(maps, truths, strict=True)]
    rows = {name: np.array([e[name] for e in each]) for name in each[0]}
    rows |= {"potency": maps.mean((1, 2)), "g": np.asarray(g)[labels], "t": labels}
    rows["binarity"] = np.array([binarity(s) for s in maps])
    return {name: value for name, value in potency_scores(rows).items() if name in _SHOWN}


def _trained(settings: Config, built: Dataset, g: Sequence[float], variant: Variant) -> tuple[keras.Model, Any]:
    """(model after the last epoch, its normalisation)."""
    import keras
    import tensorflow as tf

    from copper_tf.data.crops import CropStream
    from copper_tf.data.normalisation import Normalisation
    from copper_tf.data.pictures import load_pictures
    from copper_tf.models.factory import build
    from copper_tf.models.policy import resolve_policy
    from copper_tf.training.loop import optimizer

    pictures = load_pictures(built, "train")
    how = Normalisation(settings.data.normalisation, pictures.mean, pictures.sd, settings.data.window)
    stream = CropStream(pictures, settings, how, augment=True)
    keras.utils.set_random_seed(settings.training.seed)
    model = build(settings, len(g), resolve_policy(settings))
    steps = stream.steps * settings.training.epochs
    adam = optimizer(settings, stream.steps)
    adam.build(model.trainable_variables)
    step = _step(model, adam, variant, settings)
    levels = np.asarray(g, np.float32)
    for number in range(steps):
        crops, labels = stream.batch(number)
        step(tf.constant(crops), tf.constant(levels[labels]), tf.constant(np.float32(number >= _FROM * steps)))
    return model, how


def measured(folder: Path, seed: int, built: Dataset, g: Sequence[float], settings: Config, idea: str) -> Results:
    """Scores of one variant by one view and by all, its maps kept beside them."""
    variant = VARIANTS[idea]
    chosen = settings.replace(seed=seed, schedule="cosine", tta="all").replace(**variant.changed)
    model, how = _trained(chosen, built, g, variant)
    one, truths, labels = _maps(model, how.apply, built, variant, 1)
    many, _, _ = _maps(model, how.apply, built, variant, chosen.tta_views)
    file = folder / "maps" / f"{built.fold} {idea}.npz".replace(" ", "_")
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(file, one=one.astype(np.float16), many=many.astype(np.float16), truths=truths, labels=labels)
    return {
        **{f"one {k}": v for k, v in scored(one, truths, labels, g).items()},
        **{f"all {k}": v for k, v in scored(many, truths, labels, g).items()},
        "file": str(file),
    }


def _ensemble(found: list[Results], g: Sequence[float]) -> Results:
    """Scores of the mean map over seeds, and how well their scatter tells where the mean is wrong (ROC-AUC)."""
    from copper_tf.statistics.scores import pixel_scores

    held = [np.load(f["file"]) for f in found]
    maps = np.array([h["many"] for h in held], np.float32)
    mean, truths = maps.mean(0), held[0]["truths"]
    wrong = ((mean >= 0.5) != (truths > 0)).astype(np.uint8)
    tells = [pixel_scores(np.clip(2 * s, 0, 1), w)["auc"] for s, w in zip(maps.std(0), wrong, strict=True)]
    return {**scored(mean, truths, held[0]["labels"], g), _TELLS: float(np.nanmean(tells))}


def _row(name: str, found: list[Results], prefix: str, keys: Sequence[str] = _SHOWN) -> list[str]:
    cells = [name]
    for key in keys:
        values = [f[f"{prefix}{key}"] for f in found]
        cells.append(spread(values))
    return cells


def main(arguments: list[str] | None = None) -> int:
    """Trains what is missing and prints mean and range over seeds (and folds)."""
    flags = parser(__doc__, 3)
    flags.add_argument(
        "--data", type=Path, nargs="*", default=[], help="built datasets (folds); none: simulated worlds"
    )
    flags.add_argument("--g", type=float, nargs="*", default=[], help="g of every label of the data")
    flags.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="settings that differ")
    flags.add_argument("--variants", nargs="*", default=list(VARIANTS), choices=list(VARIANTS))
    asked = flags.parse_args(arguments)
    from tfds_copper.dataset import open_dataset

    settings = config(0).replace(**dict(_setting(text) for text in asked.set))
    law = asked.g or worlds.settings(0).law_values().tolist()
    sources = {p.parent.name: partial(open_dataset, p) for p in asked.data}
    sources = sources or {"world": partial(worlds.dataset, asked.output / "seed0", 0)}
    seeds = seeds_of(asked)
    rows, together = [], []
    for name in asked.variants:
        parts = []
        for source, opened in sources.items():
            given = {"built": opened(), "g": law, "settings": settings, "idea": name}
            file = f"maps {source} {name}"
            parts.append([kept(asked.output, seed, file, measured, **given) for seed in seeds])
        found = [result for part in parts for result in part]
        rows += [_row(name, found, "one "), _row(f"{name}, all views", found, "all ")]
        if asked.just is None and asked.seeds > 1:
            together.append(_row(name, [_ensemble(part, law) for part in parts], "", (*_SHOWN, _TELLS)))
    print_table(["variant", *_SHOWN], rows)
    if together:
        print_table(["all views and seeds together", *_SHOWN, _TELLS], together)
    return 0


def _setting(text: str) -> tuple[str, Any]:
    name, _, value = text.partition("=")
    for kind in (int, float):
        try:
            return name, kind(value)
        except ValueError:
            continue
    return name, value


if __name__ == "__main__":
    sys.exit(main())
