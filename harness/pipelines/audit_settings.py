"""What an audit varies in, its settings out: a reference, and what differs from it in one thing, or in several."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from itertools import product

from harness.errors import UsageError
from harness.transcription.executors import Order

REFERENCE, REPEAT = "reference", "repeat"  # names of settings
AS_CONFIGURED = "as configured"  # names the variant that changes no option


class Factor(Enum):
    """Says what differs between two settings."""

    batch = "batch"  # clips handed to the backend at once
    order = "order"  # which clips come first, and so share a batch
    workers = "workers"  # recognisers at once
    repeat = "repeat"  # nothing: the reference once more
    variant = "variant"  # options of the backend, such as its precision


@dataclass(kw_only=True)
class AuditOptions:
    """Says what is varied. The first of each list is the reference.

    Attributes:
        batch_sizes: Clips handed to the backend at once.
        orders: Which clips come first.
        workers: Recognisers at once, each in a process of its own; 0: one in this process.
        variants: Options of the backend, such as `[{dtype: float32}, {dtype: bfloat16}]`; None: as it is configured.
        repeat: Whether the reference is heard twice: is the recogniser deterministic at all?
        grid: Whether everything is heard with everything; else one thing changes at a time.
        n_utterances: So many are heard, drawn from the speakers by turns; None: all.
        fail_on: A text that changes with one of these fails the audit.
    """

    batch_sizes: list[int] = field(default_factory=lambda: [1, 8, 32])
    orders: list[Order] = field(default_factory=lambda: [Order.longest_first, Order.manifest])
    workers: list[int] = field(default_factory=lambda: [1, 2])
    variants: list[dict[str, object]] | None = None
    repeat: bool = True
    grid: bool = False
    n_utterances: int | None = None
    fail_on: list[Factor] = field(default_factory=lambda: [each for each in Factor if each is not Factor.variant])

    def __post_init__(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            UsageError: An option is out of its range; the message names it.
        """
        for name, least in (("batch_sizes", 1), ("workers", 0)):
            values = getattr(self, name)
            if not values or min(values) < least or len(set(values)) < len(values):
                raise UsageError(f"audit.{name}={values}; expected different whole numbers of {least} or more.")
        if not self.orders or len(set(self.orders)) < len(self.orders):
            raise UsageError(f"audit.orders={[each.value for each in self.orders]}; expected different orders.")
        if self.n_utterances is not None and self.n_utterances < 1:
            raise UsageError(f"audit.n_utterances={self.n_utterances}; expected 1 or more, or null for all.")
        names = variant_names(self.variants)
        if len(set(names)) < len(names):
            raise UsageError(f"audit.variants={self.variants}; expected different mappings, each once.")


@dataclass(frozen=True, slots=True)
class Setting:
    """Is one way to hear the same clips.

    Attributes:
        name: What outputs call it: `reference`, `repeat`, or what differs from the reference.
        folder: Its name in the run directory.
        changes: What differs from the setting that it is compared with, one factor; empty for the reference.
        against: Name of that setting.
    """

    name: str
    folder: str
    changes: tuple[Factor, ...]
    against: str
    batch_size: int
    order: Order
    workers: int
    variant: str

    @property
    def told_changes(self) -> str:
        """Return what differs in words, as in the column `changes`."""
        return ", ".join(each.value for each in self.changes)


def variant_names(variants: Sequence[dict[str, object]] | None) -> list[str]:
    """Return what to call each variant, the reference first.

    >>> variant_names([{"dtype": "float32"}, {"dtype": "bfloat16", "beam_size": 5}])
    ['dtype=float32', 'dtype=bfloat16 beam_size=5']
    """
    return [" ".join(f"{key}={value}" for key, value in each.items()) or AS_CONFIGURED for each in variants or [{}]]


def settings(options: AuditOptions) -> list[Setting]:
    """Return the settings, the reference first.

    An order decides nothing but which clips share a batch and what was heard before, so each further order is heard
    with the largest batch, too. What differs from the reference in several factors is compared with the setting that
    lacks the last of them: `batch=32 order=manifest` with `batch=32`, so that the order alone can have changed a text.

    Raises:
        UsageError: There is nothing to compare the reference with.
    """
    names = variant_names(options.variants)
    reference = _Cell(names[0], options.batch_sizes[0], options.orders[0], options.workers[0])
    cells = _everything(options, names) if options.grid else _one_at_a_time(options, names, reference)
    found = [_setting(cell, reference) for cell in dict.fromkeys([reference, *cells])]
    if options.repeat:
        again = replace(found[0], name=REPEAT, changes=(Factor.repeat,), against=REFERENCE)
        found.insert(1, again)
    if len(found) < 2:
        raise UsageError(
            "audit has one setting and nothing to compare it with; expected audit.repeat=true, or two values of "
            "audit.batch_sizes, audit.orders, audit.workers or audit.variants."
        )
    return [replace(each, folder=f"{number:02d}_{_safe(each.name)}") for number, each in enumerate(found)]


@dataclass(frozen=True, slots=True)
class _Cell:
    variant: str
    batch_size: int
    order: Order
    workers: int


def _everything(options: AuditOptions, names: Sequence[str]) -> list[_Cell]:
    return [_Cell(*each) for each in product(names, options.batch_sizes, options.orders, options.workers)]


def _one_at_a_time(options: AuditOptions, names: Sequence[str], reference: _Cell) -> list[_Cell]:
    together = replace(reference, batch_size=max(options.batch_sizes))
    return [
        *(replace(reference, batch_size=size) for size in options.batch_sizes),
        *(replace(reference, order=order) for order in options.orders),
        *(replace(together, order=order) for order in options.orders),
        *(replace(reference, workers=number) for number in options.workers),
        *(replace(reference, variant=name) for name in names),
    ]


def _setting(cell: _Cell, reference: _Cell) -> Setting:
    compared = _without_last(cell, reference)
    return Setting(
        name=_name(cell, reference),
        folder="",
        changes=_changes(cell, compared),
        against=_name(compared, reference),
        batch_size=cell.batch_size,
        order=cell.order,
        workers=cell.workers,
        variant=cell.variant,
    )


def _without_last(cell: _Cell, reference: _Cell) -> _Cell:
    """Return the neighbour that has the reference's value of the last factor in which the cell differs."""
    match _changes(cell, reference):
        case (*_, Factor.workers):
            return replace(cell, workers=reference.workers)
        case (*_, Factor.order):
            return replace(cell, order=reference.order)
        case (*_, Factor.batch):
            return replace(cell, batch_size=reference.batch_size)
    return reference


def _changes(cell: _Cell, compared: _Cell) -> tuple[Factor, ...]:
    differ = (
        (Factor.variant, cell.variant != compared.variant),
        (Factor.batch, cell.batch_size != compared.batch_size),
        (Factor.order, cell.order is not compared.order),
        (Factor.workers, cell.workers != compared.workers),
    )
    return tuple(factor for factor, does in differ if does)


def _name(cell: _Cell, reference: _Cell) -> str:
    values = {
        Factor.variant: cell.variant,
        Factor.batch: f"batch={cell.batch_size}",
        Factor.order: f"order={cell.order.value}",
        Factor.workers: f"workers={cell.workers}",
    }
    return " ".join(values[factor] for factor in _changes(cell, reference)) or REFERENCE


def _safe(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-.")[:60]
