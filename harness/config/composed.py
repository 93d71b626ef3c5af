"""What Hydra composed for one command in, its options as the dataclasses that declare them and its plugins out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from harness.config.conditions import Conditions, conditions_of
from harness.config.guards import resolved
from harness.config.schemas import SCHEMAS
from harness.errors import HarnessError, UsageError
from harness.plugins import TARGETS, build

_PLUGINS = ("backend", "normalizer")  # built by `harness.plugins`; nobody's dataclass
_CONDITIONS = "conditions"  # likewise


@dataclass(frozen=True, slots=True)
class Composed:
    """Is what Hydra composed for one command.

    Attributes:
        pipeline: The command's name.
        config: As composed by Hydra.
        choices: Which file was chosen in each group.
        named_targets: Targets that the user allowed on the command line.
    """

    pipeline: str
    config: DictConfig
    choices: Mapping[str, str]
    named_targets: Sequence[str]

    @property
    def plain(self) -> dict[str, object]:
        """Return the configuration as plain data, safe to write down."""
        return resolved(self.config)

    def options(self) -> Any:  # noqa: ANN401
        """Return the options as the dataclasses that declare them; their own checks run here.

        Raises:
            UsageError: The configuration is wrong; the message names the option.
        """
        schema = SCHEMAS[self.pipeline]
        plain = {key: None if key in _PLUGINS else value for key, value in self.config.items() if key != _CONDITIONS}
        try:
            return OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(schema), plain))
        except HarnessError:
            raise
        except OmegaConfBaseException as error:
            raise UsageError(f"{error.full_key}: {str(error).splitlines()[0]}") from error

    def plugin(self, key: str) -> Any:  # noqa: ANN401
        """Build the backend or the normaliser."""
        return self.maker(key)()

    def maker(self, key: str, changes: Mapping[str, object] | None = None) -> Callable[[], Any]:
        """Return what builds the backend or the normaliser, with other options where there are changes.

        It builds in this process or, pickled, in another.
        """
        node = OmegaConf.to_container(self.config[key], resolve=True)
        if isinstance(node, dict):
            node = node | dict(changes or {})
        return partial(build, key, node, allowed=self._allowed)

    def conditions(self, *, noises: Mapping[str, object] | None = None, crossed: Sequence[str] = ()) -> Conditions:
        """Build the conditions, each level of a sweep one, and `clean`.

        Args:
            noises: Nodes of further conditions, by name.
            crossed: As for `conditions_of`.

        Raises:
            UsageError: As `conditions_of` does.
        """
        nodes = cast("dict[str, object]", OmegaConf.to_container(self.config[_CONDITIONS], resolve=True))
        twice = [name for name in noises or {} if name in nodes]
        if twice:
            raise UsageError(f"noises: a condition is called {twice[0]!r} already. Rename the file.")
        return conditions_of({**nodes, **(noises or {})}, allowed=self._allowed, crossed=crossed)

    @property
    def _allowed(self) -> frozenset[str]:
        return TARGETS | frozenset(self.named_targets)
