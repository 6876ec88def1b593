"""One simulated micrograph and its mask, as a pure function of the settings, the label and the picture's index."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from copper_tf.simulation.equalisation import blend, scores
from copper_tf.simulation.imaging import Exposure, expose, quantise
from copper_tf.simulation.information_bar import information_bar
from copper_tf.simulation.noise import Shape, gauss_response, generator, smooth_field, stratified
from copper_tf.simulation.settings import SimulationSettings
from copper_tf.simulation.surface import Appearance, phase_signals
from tfds_copper.errors import SettingError

__all__ = ["Plan", "appearance_of", "draw_mask", "exposure_of", "plan_picture", "simulate_picture"]

# A Gaussian field of sigma 9 px, cut at its median, has a mean chord of 40 px.
_DOMAIN_SIGMA = 9.0
_BORDER = 1.5
_CONFOUND = 0.26

# The first number of every random key, so that no two uses share a stream.
_SURFACE, _DOMAINS, _RECORDING, _SHEET, _SCATTER, _LOT, _PICTURE, _NULL = range(8)
# What differs between sheets and pictures, in the order of its keys.
_BRIGHTNESS, _GAIN, _SCALE, _YIELD, _AZIMUTH, _DEFOCUS, _ELECTRONS, _DISTANCE = range(8)


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a picture shows, before it is drawn.

    Attributes:
        label: rank of t.
        index: number of the picture within its label.
        sheet: number of the sheet within its label.
        lot: number of the lot.
        law: f(t).
        share: the true share of rough surface, or the amplitude of roughness in the gradual world.
    """

    label: int
    index: int
    sheet: int
    lot: int
    law: float
    share: float


def plan_picture(settings: SimulationSettings, label: int, index: int) -> Plan:
    """The plan of one picture.

    Args:
        settings: the simulation.
        label: rank of t, 0 .. labels - 1.
        index: number of the picture within the label, 0 .. pictures - 1.

    Raises:
        SettingError: if label or index lie outside the settings.
    """
    for name, value, count in (("label", label, settings.labels), ("index", index, settings.pictures)):
        if not 0 <= value < count:
            raise SettingError(f"{name} must be a whole number from 0 to {count - 1}. Received: {value!r}")
    sheet = index * settings.sheets // settings.pictures
    lot = sheet % settings.lots
    values = settings.law_values()
    law = share = float(values[label])
    if settings.world == "null":
        # The same shares as in the binary world, dealt out evenly to every label.
        share = float(values[int(stratified(index, settings.pictures, _NULL, settings.seed, label) * settings.labels)])
    share += settings.sheet_sd * generator(_SCATTER, settings.seed, label, sheet).standard_normal()
    share += settings.lot_sd * generator(_LOT, settings.seed, lot).standard_normal()
    return Plan(label, index, sheet, lot, law, min(1.0, max(0.0, share)))


def _vary(settings: SimulationSettings, plan: Plan, what: int, of_sheet: float, of_picture: float) -> float:
    """A nuisance about 0, spread alike over the pictures of every label.

    Args:
        settings: the simulation.
        plan: of the picture.
        what: the number of the nuisance.
        of_sheet: how far sheets differ, at a `sheet_variation` of 1.
        of_picture: how far pictures of a sheet differ.
    """
    key = (settings.seed, plan.label, what)
    sheet = stratified(plan.sheet, settings.sheets, _SHEET, *key)
    single = stratified(plan.index, settings.pictures, _PICTURE, *key)
    return settings.sheet_variation * of_sheet * (2 * sheet - 1) + of_picture * (2 * single - 1)


def appearance_of(settings: SimulationSettings, plan: Plan) -> Appearance:
    """How the microscope sees the surface of one picture."""
    return Appearance(
        scale=settings.scale * math.exp(_vary(settings, plan, _SCALE, 0.04, 0.02)),
        exponent=1 + _vary(settings, plan, _YIELD, 0.1, 0.1),
        azimuth=math.pi / 3 + _vary(settings, plan, _AZIMUTH, 0.2, 0.1),
        defocus=0.65 + _vary(settings, plan, _DEFOCUS, 0.05, 0.15),
    )


def exposure_of(settings: SimulationSettings, plan: Plan) -> Exposure:
    """How one picture is recorded."""
    offset = _vary(settings, plan, _BRIGHTNESS, 0.05, 0.035)
    if settings.world == "confound":
        offset = 0.4 * offset + _CONFOUND * (0.5 - plan.label / (settings.labels - 1))
    return Exposure(
        gain=math.exp(_vary(settings, plan, _GAIN, 0.12, 0.08)),
        offset=offset,
        electrons=1500 * math.exp(_vary(settings, plan, _ELECTRONS, 0.2, 0.2)),
    )


def draw_mask(rng: np.random.Generator, shape: Shape, share: float, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Domains of the rough phase: a periodic Gaussian field cut at its order statistic.

    Args:
        rng: the source of randomness.
        shape: (height, width).
        share: the share to be covered; met to half a pixel.
        scale: factor on the size of the domains.

    Returns:
        The mask, bool, and the share of the rough phase with soft borders, float32; both of shape (height, width).
    """
    sigma = _DOMAIN_SIGMA * scale
    field = smooth_field(rng, shape, gauss_response(shape, sigma))
    count, size = round(share * field.size), field.size
    mask = np.zeros(size, bool)
    if count in (0, size):
        mask[:] = count == size
        return mask.reshape(shape), mask.reshape(shape).astype(np.float32)
    order = np.argpartition(field.ravel(), size - count)[size - count :]
    mask[order] = True
    threshold = field.ravel()[order[0]]
    soft = np.clip((field - threshold) * np.float32(sigma / _BORDER) + np.float32(0.5), 0, 1)
    return mask.reshape(shape), soft


def simulate_picture(
    settings: SimulationSettings,
    label: int,
    index: int,
    appearance: Appearance | None = None,
    exposure: Exposure | None = None,
) -> tuple[np.ndarray, np.ndarray | None]:
    """One micrograph and its true mask.

    Args:
        settings: the simulation.
        label: rank of t, 0 .. labels - 1.
        index: number of the picture within the label, 0 .. pictures - 1.
        appearance: how it is seen instead of by its settings, as by a microscope that is out of focus.
        exposure: how it is recorded instead.

    Returns:
        The pixels, shape (height, width), uint8 or uint16; and the mask, shape (height, width), bool, True where rough
        and False under the information bar; None in the gradual world, which has no domains.

    Raises:
        SettingError: if label or index lie outside the settings.
    """
    drawn = plan_picture(settings, label, index)
    shape = (settings.height - settings.bar, settings.width)
    key = (settings.seed, label, drawn.sheet, index)
    appearance = appearance or appearance_of(settings, drawn)
    rough, smooth = phase_signals(generator(_SURFACE, *key), shape, appearance)
    mask: np.ndarray | None = None
    share: float | np.ndarray = drawn.share
    if settings.world != "gradual":
        mask, share = draw_mask(generator(_DOMAINS, *key), shape, drawn.share, appearance.scale)
    scale = settings.scale
    if settings.contrast < 1:
        # The smooth phase has some of the rough texture too.
        share = 1 - settings.contrast * (1 - share)
    surface = blend(scores(rough, "rough", scale), scores(smooth, "smooth", scale), share, scale)
    grey = expose(generator(_RECORDING, *key), surface, exposure or exposure_of(settings, drawn))
    pixels = quantise(grey, settings.bit_depth)
    if settings.bar:
        distance = 8 + _vary(settings, drawn, _DISTANCE, 0.4, 0.1)
        bar = information_bar(settings.bar, settings.width, settings.pixel_size_nm, distance)
        pixels = np.vstack([pixels, quantise(bar.astype(np.float32) / 255, settings.bit_depth)])
        mask = None if mask is None else np.pad(mask, ((0, settings.bar), (0, 0)))
    return pixels, mask
