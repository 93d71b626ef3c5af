"""Hydra's configuration in, a pipeline's outcome out; with `__main__`, all that knows Hydra."""

from harness.config.composed import Composed
from harness.config.jobs import run
from harness.config.registration import configs_folder, register
from harness.config.schemas import SCHEMAS

__all__ = ["SCHEMAS", "Composed", "configs_folder", "register", "run"]
