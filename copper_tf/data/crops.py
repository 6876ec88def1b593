"""Training crops: cut from decoded pictures, turned, with gain and offset; batch i is a pure function of (seed, i)."""

from __future__ import annotations

import dataclasses
import functools
from functools import partial

import numpy as np
import tensorflow as tf

from copper_tf.config import SYMMETRIES, Config, default_config
from copper_tf.data.normalisation import Normalisation
from copper_tf.data.pictures import Pictures
from copper_tf.models import picture_sizes
from tfds_copper.errors import InputError

__all__ = ["CropStream", "shrunk_crops", "window_side"]


def _turn(crop: np.ndarray, turn: int) -> np.ndarray:
    return np.rot90(crop[:, ::-1] if turn % 2 else crop, turn // 2)


def window_side(config: Config, smallest: int) -> int:
    """The side in px of the training crops, context and what the network's depth asks for included.

    Args:
        config: of the run.
        smallest: side in px of the smallest picture.
    """
    return min(_asked_side(config), smallest // 2**config.model.d * 2**config.model.d)


def _asked_side(config: Config) -> int:
    return picture_sizes.padded_size(config.data.crop + 2 * config.data.margin, config.model.d)


def shrunk_crops(pictures: Pictures, config: Config) -> str:
    """That a small picture makes the crops of all smaller than asked for, in one line; empty where it doesn't.

    Where all pictures are of one size and the crop is the default, nothing is lost and nothing is said.

    Args:
        pictures: that crops are cut from.
        config: of the run.
    """
    sides = [min(array.shape) for array in pictures.arrays]
    window, asked = window_side(config, min(sides)), _asked_side(config)
    as_default = config.data.crop == default_config(config.kind).data.crop
    if window >= asked or (as_default and min(sides) == max(sides)):
        return ""
    k = int(np.argmin(sides))
    height, width = pictures.arrays[k].shape
    few = sum(window_side(config, side) < asked for side in sides)
    return (
        f"All training crops are of {window} px, not of {asked} px as crop = {config.data.crop} asks for: "
        f"{pictures.files[k]} is of {width}x{height} px only; {few} of {len(sides)} training pictures are too small."
    )


@dataclasses.dataclass(frozen=True)
class _Plan:
    """What every crop of an epoch is: picture, place, symmetry, gain and offset; each ``(crops,)``."""

    picture: np.ndarray
    place: np.ndarray
    turn: np.ndarray
    gain: np.ndarray
    offset: np.ndarray


class CropStream:
    """Batches of crops of a split.

    Args:
        pictures: the decoded split.
        config: the run's config.
        normalisation: the run's normalisation.
        augment: draw crops anywhere, turned and with gain and offset; else at fixed places, as they are.

    Raises:
        InputError: if a picture is smaller than the network needs.
    """

    def __init__(self, pictures: Pictures, config: Config, normalisation: Normalisation, augment: bool) -> None:
        self.pictures, self.config, self.augment = pictures, config, augment
        self.normalisation = normalisation
        data, d = config.data, config.model.d
        need, have = picture_sizes.smallest_picture(d, data.margin), pictures.smallest_side
        if have < need:
            file = pictures.files[int(np.argmin([min(a.shape) for a in pictures.arrays]))]
            raise InputError(
                f"{file}: a network with d={d} and margin={data.margin} needs pictures of at least {need} px on each "
                f"side; choose a smaller d or margin. Received: {have} px"
            )
        self.window = window_side(config, have)
        self.crops = len(pictures.arrays) * data.crops
        self.steps = -(-self.crops // config.training.batch_size)
        self._prepare(normalisation)

    def _prepare(self, normalisation: Normalisation) -> None:
        """Normalisation as one multiplication and addition a crop; ``"local"`` has its own at each pixel."""
        if normalisation.mode == "local":
            return
        full = self.pictures.full_scale.astype(np.float32)
        values = (partial(np.divide, a, f) for a, f in zip(self.pictures.arrays, full, strict=True))
        mean, sd = np.array([normalisation.affine(v) for v in values], np.float32).T
        self.scale, self.shift = 1 / (full * sd), -mean / sd

    def _cut(self, index: int, y: int, x: int) -> np.ndarray:
        """A normalised window of a picture; a local one when it is cut: whole pictures of floats would fill memory."""
        array, place = self.pictures.arrays[index], (slice(y, y + self.window), slice(x, x + self.window))
        if self.normalisation.mode == "local":
            full = np.float32(self.pictures.full_scale[index])
            return self.normalisation.local_window(
                lambda rows, columns: array[rows, columns].astype(np.float32) / full, array.shape, place
            )
        return array[place].astype(np.float32) * self.scale[index] + self.shift[index]

    @functools.lru_cache(maxsize=4)  # noqa: B019 - the stream lives as long as its training
    def _plan(self, epoch: int) -> _Plan:
        count, data = self.crops, self.config.data
        picture = np.arange(count) % len(self.pictures.arrays)
        # Fixed crops use epoch 0 of a stream of their own, so every validation sees the same places.
        seed = np.random.SeedSequence([self.config.training.seed, epoch if self.augment else 0, int(self.augment)])
        draw = np.random.Generator(np.random.Philox(seed))
        place = draw.random((count, 2))
        if not self.augment:
            still = np.zeros(count, int)
            return _Plan(picture, place, still, np.ones(count, np.float32), np.zeros(count, np.float32))
        order = draw.permutation(count)
        turn = draw.integers(SYMMETRIES[data.symmetry], size=count)
        gain = draw.uniform(1 - data.gain, 1 + data.gain, count).astype(np.float32)
        offset = draw.uniform(-data.offset, data.offset, count).astype(np.float32)
        return _Plan(picture[order], place, turn, gain, offset)

    def batch(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """Batch `number` of the whole training, counted over the epochs.

        Returns:
            Normalised crops ``(batch, window, window, 1)`` float32 and their labels ``(batch,)`` int32. The last
            batch of an augmented epoch is filled up from its first crops, that of a fixed one is short.
        """
        epoch, step = divmod(int(number), self.steps)
        plan, size = self._plan(epoch), self.config.training.batch_size
        rows = np.arange(step * size, (step + 1) * size)
        rows = rows % self.crops if self.augment else rows[rows < self.crops]
        crops = np.empty((len(rows), self.window, self.window, 1), np.float32)
        for k, row in enumerate(rows):
            index = plan.picture[row]
            y, x = (plan.place[row] * (np.array(self.pictures.arrays[index].shape) - self.window + 1)).astype(int)
            crop = self._cut(index, y, x) * plan.gain[row] + plan.offset[row]
            crops[k, ..., 0] = _turn(crop, int(plan.turn[row]))
        return crops, self.pictures.labels[plan.picture[rows]]

    def batches(self, first_epoch: int = 0, epochs: int = 1) -> tf.data.Dataset:
        """The batches of the epochs `first_epoch` to `epochs`, made ahead of the training step."""
        numbers = tf.data.Dataset.range(first_epoch * self.steps, epochs * self.steps)
        signature = (tf.float32, tf.int32)

        def cut(number: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            crops, labels = tf.numpy_function(self.batch, [number], signature, stateful=False)
            crops.set_shape((None, self.window, self.window, 1))
            labels.set_shape((None,))
            return crops, labels

        return numbers.map(cut, num_parallel_calls=2, deterministic=True).prefetch(2)
