"""What a policy says of one dimension, as command lines and YAML have it, in; the dataclass that holds it out."""

from collections.abc import Mapping
from dataclasses import fields

from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from harness.errors import UsageError
from harness.fairness import DimensionPolicy


def dimension_policy(dimension: str, options: object) -> DimensionPolicy:
    """Return one dimension's overrides as their dataclass.

    Raises:
        UsageError: It is no mapping, or names an option that dimensions do not have.
    """
    if isinstance(options, DimensionPolicy):
        return options
    known = [each.name for each in fields(DimensionPolicy)]
    if not isinstance(options, Mapping) or not set(options) <= set(known):
        raise UsageError(f"policy.dimensions.{dimension}={options!r}; expected a mapping of {known}.")
    try:
        typed = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(DimensionPolicy), dict(options)))
    except OmegaConfBaseException as error:
        said = str(error).splitlines()[0]
        raise UsageError(f"policy.dimensions.{dimension}.{error.full_key}: {said}") from error
    if not isinstance(typed, DimensionPolicy):
        raise TypeError(f"{typed!r} is no DimensionPolicy")
    return typed
