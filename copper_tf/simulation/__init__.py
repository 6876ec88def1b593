"""SEM folders with a known truth: synthetic micrographs of etched copper, their masks, and controls that must fail."""

from copper_tf.simulation.calibration import calibrate
from copper_tf.simulation.contact_sheet import contact_sheet
from copper_tf.simulation.folder import read_settings, simulate
from copper_tf.simulation.gradients import fine_coarse
from copper_tf.simulation.picture import picture, plan
from copper_tf.simulation.settings import LAWS, WORLDS, SimulationSettings

__all__ = [
    "LAWS",
    "WORLDS",
    "SimulationSettings",
    "calibrate",
    "contact_sheet",
    "fine_coarse",
    "picture",
    "plan",
    "read_settings",
    "simulate",
]
