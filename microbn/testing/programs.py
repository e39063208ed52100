"""Random differentiable programs, to test an engine on more code than anyone would write by hand.

A program grows together with its values. An operation is added only if it is defined for them, far
enough from poles, kinks and ties, and if its result stays small. So every program can be used.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from itertools import permutations
from typing import Any, NamedTuple

import numpy as np

from .. import functional

Draw = Callable[[int, int], int]  # returns an integer from the first to the second, inclusive

NEAR = 1e-2  # every entry stays at least this far from the next pole, kink or tie
LARGE, SIZE, NDIM = 30, 48, 4  # bounds for each value: its entries, their number, its axes


def program(seed: int, max_ops: int = 12) -> RandomProgram:
    """Return the program of this seed, always the same one, with up to ``max_ops`` operations."""
    return grow(random.Random(seed).randint, max_ops)


def grow(draw: Draw, max_ops: int = 12) -> RandomProgram:
    """Grow a program from choices: each ``draw(low, high)`` returns an integer in that range.

    In ``microbn.testing.strategies.programs``, Hypothesis makes the choices. Smaller integers make
    a simpler program. The result is the value that depends on the most statements; the others are
    dropped.
    """
    shape = tuple(_pick(draw, [2, 3, 1]) for _ in range(_pick(draw, [1, 2, 3, 2, 3, 0])))
    narrowed = [_narrowed(draw, shape) for _ in range(draw(0, 2))]
    inputs = tuple(_random_array(draw, one) for one in (shape, *narrowed))
    values, grown = list[Any](inputs), dict[int, Statement]()
    while not grown or (len(grown) < max_ops and draw(0, 23)):  # 0, the simplest choice, ends it
        number = len(values)
        grown[number], value = _next_statement(draw, values)
        values.append(value)
    needed: dict[int, set[int]] = {}  # by value, the statements that it depends on
    for number, statement in grown.items():
        needed[number] = {number}.union(*(needed.get(i, ()) for i in statement.reads()))
    longest = max(needed.values(), key=len)
    return RandomProgram(inputs, {number: grown[number] for number in sorted(longest)})


class Statement(NamedTuple):
    """One operation: ``Statement("np.sum({}, axis={axis})", (2,), {"axis": 0})`` sums value 2.

    An int among the operands is the number of an earlier value. A float or an array is a constant.
    """

    template: str
    operands: tuple[int | float | np.ndarray, ...]
    static: dict[str, Any]

    def __str__(self) -> str:
        return self.template.format(*map(_as_source, self.operands), **self.static)

    def reads(self) -> list[int]:
        """Return the numbers of the values that it reads."""
        return [operand for operand in self.operands if isinstance(operand, int)]

    def run(self, values: dict[int, Any], np: Any, F: Any) -> Any:
        """Return its value, given the earlier values. It runs exactly the code that it prints."""
        return eval(str(self), {"np": np, "F": F, **{f"v{i}": v for i, v in values.items()}})


class RandomProgram(NamedTuple):
    """A program: float64 arrays as inputs, and statements, by the numbers of the values they make.

    It prints as straight-line Python that uses ``np`` and ``F``, which is microbn.functional.
    """

    inputs: tuple[np.ndarray, ...]
    statements: dict[int, Statement]

    def __str__(self) -> str:
        texts = {**dict(enumerate(map(_as_source, self.inputs))), **self.statements}
        return "\n".join(f"v{number} = {text}" for number, text in texts.items())

    def run(self, inputs: Any = None, np: Any = np, F: Any = functional) -> Any:
        """Return the last value. Other ``inputs``, such as Tensors, may replace the arrays.

        ``np`` and ``F`` may be any namespaces that have the functions of the statements.
        """
        given = [x[()] for x in self.inputs] if inputs is None else inputs  # as a Tensor has them
        values = dict(enumerate(given))
        for number, statement in self.statements.items():
            values[number] = statement.run(values, np, F)
        return values[number]


def _next_statement(draw: Draw, values: list) -> tuple[Statement, Any]:
    """Return one more statement and its value. If nothing else fits, np.negative does."""
    waiting, last = [*OPERATIONS], len(values) - 1
    x = _pick(draw, [last, last, last, draw(0, last)])
    while True:
        template = waiting.pop(draw(0, len(waiting) - 1))
        draft, distance = OPERATIONS[template]
        try:
            statement = Statement(template, *draft(draw, values, x))
            operands = [values[o] if isinstance(o, int) else o for o in statement.operands]
            if distance is None or np.all(distance(*operands, **statement.static) > NEAR):
                value = statement.run(dict(enumerate(values)), np, functional)
                if 0 < value.size <= SIZE and value.ndim <= NDIM and np.max(np.abs(value)) < LARGE:
                    return statement, value
        except (ValueError, IndexError):  # the shapes do not fit
            pass


def _as_source(operand: int | float | np.ndarray) -> str:
    if isinstance(operand, np.ndarray):
        return f"np.array({operand.tolist()})" + "[()]" * (operand.ndim == 0)  # a single number
    return f"v{operand}" if isinstance(operand, int) else repr(operand)


def _pick(draw: Draw, options: list) -> Any:
    return options[draw(0, max(0, len(options) - 1))]  # an IndexError if there are none


def _number(draw: Draw, least: int = -3000) -> float:
    return draw(least, 3000) / 1000


def _random_array(draw: Draw, shape: tuple[int, ...]) -> np.ndarray:
    least = _pick(draw, [20, -3000])  # some functions need positive numbers
    return np.array([_number(draw, least) for _ in range(math.prod(shape))]).reshape(shape)


def _narrowed(draw: Draw, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return a shape that broadcasts to this one."""
    return tuple(_pick(draw, [side, 1]) for side in shape[draw(0, len(shape)) :])


# Each draft below returns the operands of an operation on value x, and its static arguments.


def _with(**options: Callable[[Any], list]) -> Callable:
    """Return a draft with operand x alone; each static argument is one of its options for x."""
    return lambda draw, values, x: (
        (x,),
        {name: _pick(draw, some(values[x])) for name, some in options.items()},
    )


def _partner(draw: Draw, values: list, x: int) -> Any:
    """Return an operand to broadcast x with: a value, maybe x itself, or a constant."""
    kind = draw(0, 4)
    if kind < 3:
        return draw(0, len(values) - 1)
    return _number(draw) if kind == 3 else _random_array(draw, _narrowed(draw, values[x].shape))


def _pair(draw: Draw, values: list, x: int) -> tuple:
    return (x, _partner(draw, values, x))[:: _pick(draw, [1, -1])], {}


def _choice(draw: Draw, values: list, x: int) -> tuple:
    threshold, other = _partner(draw, values, x), _partner(draw, values, x)
    return (x, threshold, draw(0, len(values) - 1), other), {}


def _matrices(draw: Draw, values: list, x: int) -> tuple:
    inner = values[x].shape[-1]
    fitting = [i for i, v in enumerate(values) if v.shape[-2:][:1] == (inner,)]
    shape = _pick(draw, [(inner,), (inner, 2), (2, inner, 3)])
    other = _pick(draw, [*fitting, None])
    return (x, _random_array(draw, shape) if other is None else other), {}


def _with_another(draw: Draw, values: list, x: int) -> tuple:
    other = draw(0, len(values) - 1) if draw(0, 1) else _random_array(draw, values[x].shape)
    return (x, other), {"axis": draw(-values[x].ndim - 1, values[x].ndim)}


def _basic_index(draw: Draw, values: list, x: int) -> tuple:
    parts = [_pick(draw, [":", "0", "-1", "1:", ":-1", "::2"]) for _ in values[x].shape]
    parts.insert(draw(0, len(parts)), _pick(draw, ["...", "None"]))
    return (x,), {"index": ", ".join(parts)}


def _index_arrays(draw: Draw, values: list, x: int) -> tuple:
    """Index by integer arrays and slices, never by single integers: engines differ on these."""
    count = draw(1, 3)
    rows = [[draw(-side, side - 1) for _ in range(count)] for side in values[x].shape]
    return (x,), {"rows": ", ".join(_pick(draw, [f"np.array({row})", ":"]) for row in rows) or None}


def _lead(x: Any, axis: Any, keepdims: bool) -> Any:
    """Return the distance from the largest entry along an axis to the next one."""
    axes = np.arange(x.ndim) if axis is None else np.atleast_1d(axis)
    rows = np.moveaxis(x, axes, range(len(axes))).reshape(-1, *np.max(x, axis).shape)
    return np.diff(np.sort(rows, 0), axis=0)[-1:]


def _axis(x: Any) -> list:
    return [*range(-x.ndim, x.ndim)]


def _axes(x: Any) -> list:
    return [None, *_axis(x), *((a, b - x.ndim) for a, b in permutations(range(x.ndim), 2))]


def _orders(x: Any) -> list:
    return [None, *permutations(range(x.ndim)), *permutations(range(-x.ndim, 0))]


# fmt: off
_ALONE     = _with()
_REDUCTION = _with(axis=_axes, keepdims=lambda x: [False, True])
_ORDER     = _with(axes=_orders)
_RESHAPED  = _with(shape=lambda x: [-1, x.shape[::-1], (1, *x.shape), (-1, *x.shape[-1:])])
_REPEATED  = _with(shape=lambda x: [(2, *x.shape), tuple(2 if n == 1 else n for n in x.shape)])
_NEW_AXIS  = _with(axis=lambda x: [*range(-x.ndim - 1, x.ndim + 1)])
_SIZE_ONE  = _with(axis=lambda x: [None, *(a for a in _axis(x) if x.shape[a] == 1)])

# Each operation has a draft, and a function for the distance of its operands from the next pole,
# kink or tie. The simplest operations stand first, because Hypothesis shrinks towards these.
OPERATIONS: dict[str, tuple[Callable, Callable | None]] = {
    "np.negative({})":                (_ALONE,    None),
    "np.square({})":                  (_ALONE,    None),
    "np.sqrt({})":                    (_ALONE,    lambda x: x),
    "np.exp({})":                     (_ALONE,    None),
    "np.log({})":                     (_ALONE,    lambda x: x),
    "np.tanh({})":                    (_ALONE,    None),
    "np.abs({})":                     (_ALONE,    np.abs),
    "F.relu({})":                     (_ALONE,    np.abs),
    "{} + {}":                        (_pair,     None),
    "{} - {}":                        (_pair,     None),
    "{} * {}":                        (_pair,     None),
    "{} / {}":                        (_pair,     lambda x, y: np.abs(y)),
    "{} ** {}":                       (_pair,     lambda x, y: x),
    "np.maximum({}, {})":             (_pair,     lambda x, y: np.abs(x - y)),
    "np.minimum({}, {})":             (_pair,     lambda x, y: np.abs(x - y)),
    "np.where({} > {}, {}, {})":      (_choice,   lambda x, y, *_: np.abs(x - y)),
    "{} @ {}":                        (_matrices, None),
    "{0} @ np.matrix_transpose({0})": (_ALONE,    None),
    "F.softmax({}, {axis})":          (_with(axis=_axis), None),
    "np.sum({}, axis={axis}, keepdims={keepdims})":  (_REDUCTION, None),
    "np.mean({}, axis={axis}, keepdims={keepdims})": (_REDUCTION, None),
    "np.max({}, axis={axis}, keepdims={keepdims})":  (_REDUCTION, _lead),
    "np.min({}, axis={axis}, keepdims={keepdims})":  (_REDUCTION, lambda x, **s: _lead(-x, **s)),
    "np.reshape({}, {shape})":        (_RESHAPED, None),
    "np.transpose({}, {axes})":       (_ORDER,    None),
    "np.swapaxes({}, {a}, {b})":      (_with(a=_axis, b=_axis), None),
    "np.matrix_transpose({})":        (_ALONE,    None),
    "np.expand_dims({}, {axis})":     (_NEW_AXIS, None),
    "np.squeeze({}, axis={axis})":    (_SIZE_ONE, None),
    "np.broadcast_to({}, {shape})":   (_REPEATED, None),
    "{}[{index}]":                    (_basic_index, None),
    "{}[{rows}]":                     (_index_arrays, None),
    "np.concatenate([{}, {}], axis={axis})": (_with_another, None),
    "np.stack([{}, {}], axis={axis})":       (_with_another, None),
}
# fmt: on
