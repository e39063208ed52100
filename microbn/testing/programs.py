"""Random differentiable programs, to try an engine on more than anyone would write by hand.

A program grows beside its concrete values: an operation is taken only where it is defined, away
from poles, kinks and ties, and while the numbers stay small, so that none is thrown away.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from itertools import permutations
from typing import Any, NamedTuple

import numpy as np

from .. import functional

Draw = Callable[[int, int], int]  # gives an integer between two, both included

NEAR = 1e-2  # how far every entry stays from the next pole, kink or tie
LARGE, SIZE, NDIM = 30, 48, 4  # the bounds of a value: how far from 0, how many entries and axes


def program(seed: int, max_ops: int = 12) -> Program:
    """The program of this seed, of up to ``max_ops`` operations: always the same one."""
    return grow(random.Random(seed).randint, max_ops)


def grow(draw: Draw, max_ops: int = 12) -> Program:
    """A program grown from choices: ``draw(low, high)`` gives an integer between the two.

    Hypothesis makes them in ``microbn.testing.strategies.programs``. The smaller the integers, the
    simpler the program.
    """
    shape = tuple(_pick(draw, [2, 3, 1]) for _ in range(_pick(draw, [1, 2, 3, 2, 3, 0])))
    narrower = [_narrower(draw, shape) for _ in range(draw(0, 2))]
    inputs = tuple(_array(draw, one) for one in (shape, *narrower))
    values, lines = list[Any](inputs), dict[int, Line]()
    while not lines or (len(lines) < max_ops and draw(0, 23)):  # 0, the simplest, ends it
        number = len(values)
        lines[number], value = _next(draw, values)
        values.append(value)
    behind: dict[int, set[int]] = {}  # the lines that a value follows from
    for number, line in lines.items():
        behind[number] = {number}.union(*(behind.get(i, ()) for i in line.reads()))
    longest = max(behind.values(), key=len)
    return Program(inputs, {number: lines[number] for number in sorted(longest)})


class Line(NamedTuple):
    """One operation: ``Line("np.sum({}, axis={axis})", (2,), {"axis": 0})`` sums value 2.

    An operand is the number of an earlier value or, as a float or an array, a constant.
    """

    template: str
    operands: tuple[int | float | np.ndarray, ...]
    static: dict[str, Any]

    def __str__(self) -> str:
        return self.template.format(*map(_spelled, self.operands), **self.static)

    def reads(self) -> list[int]:
        """The numbers of its operands, constants left out."""
        return [operand for operand in self.operands if isinstance(operand, int)]

    def run(self, values: dict[int, Any], np: Any, F: Any) -> Any:
        """Its value, given those of the lines before; what is printed is what runs."""
        return eval(str(self), {"np": np, "F": F, **{f"v{i}": v for i, v in values.items()}})


class Program(NamedTuple):
    """Inputs, float64 arrays, and lines by the number of the value that each makes.

    Printed, it is straight-line Python in ``np`` and ``F``, microbn.functional.
    """

    inputs: tuple[np.ndarray, ...]
    lines: dict[int, Line]

    def __str__(self) -> str:
        texts = {**dict(enumerate(map(_spelled, self.inputs))), **self.lines}
        return "\n".join(f"v{number} = {text}" for number, text in texts.items())

    def run(self, inputs: Any = None, np: Any = np, F: Any = functional) -> Any:
        """The last value. Other ``inputs``, such as Tensors, may stand in for the arrays.

        ``np`` and ``F`` may be any namespaces that have the functions which the lines name.
        """
        given = [x[()] for x in self.inputs] if inputs is None else inputs  # as a Tensor has them
        values = dict(enumerate(given))
        for number, line in self.lines.items():
            values[number] = line.run(values, np, F)
        return values[number]


def _next(draw: Draw, values: list) -> tuple[Line, Any]:
    """One more line and its value. In the end there is always np.negative."""
    waiting, last = [*OPERATIONS], len(values) - 1
    x = _pick(draw, [last, last, last, draw(0, last)])
    while True:
        template = waiting.pop(draw(0, len(waiting) - 1))
        draft, distance = OPERATIONS[template]
        try:
            line = Line(template, *draft(draw, values, x))
            operands = [values[o] if isinstance(o, int) else o for o in line.operands]
            if distance is None or np.all(distance(*operands, **line.static) > NEAR):
                value = line.run(dict(enumerate(values)), np, functional)
                if 0 < value.size <= SIZE and value.ndim <= NDIM and np.max(np.abs(value)) < LARGE:
                    return line, value
        except (ValueError, IndexError):  # the shapes do not fit
            pass


def _spelled(operand: int | float | np.ndarray) -> str:
    if isinstance(operand, np.ndarray):
        return f"np.array({operand.tolist()})" + "[()]" * (operand.ndim == 0)  # a single number
    return f"v{operand}" if isinstance(operand, int) else repr(operand)


def _pick(draw: Draw, options: list) -> Any:
    return options[draw(0, max(0, len(options) - 1))]  # an IndexError where there are none


def _number(draw: Draw, least: int = -3000) -> float:
    return draw(least, 3000) / 1000


def _array(draw: Draw, shape: tuple[int, ...]) -> np.ndarray:
    least = _pick(draw, [20, -3000])  # some functions need positive numbers
    return np.array([_number(draw, least) for _ in range(math.prod(shape))]).reshape(shape)


def _narrower(draw: Draw, shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape that broadcasts to this one."""
    return tuple(_pick(draw, [side, 1]) for side in shape[draw(0, len(shape)) :])


# Drafts: the operands of an operation on value x, and its static arguments


def _with(**options: Callable[[Any], list]) -> Callable:
    """No other operand; each static argument one of its options, which depend on the value."""
    return lambda draw, values, x: (
        (x,),
        {name: _pick(draw, some(values[x])) for name, some in options.items()},
    )


def _partner(draw: Draw, values: list, x: int) -> Any:
    """Something to broadcast x with: a value, maybe x itself, or a constant."""
    kind = draw(0, 4)
    if kind < 3:
        return draw(0, len(values) - 1)
    return _number(draw) if kind == 3 else _array(draw, _narrower(draw, values[x].shape))


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
    return (x, _array(draw, shape) if other is None else other), {}


def _joined(draw: Draw, values: list, x: int) -> tuple:
    other = draw(0, len(values) - 1) if draw(0, 1) else _array(draw, values[x].shape)
    return (x, other), {"axis": draw(-values[x].ndim - 1, values[x].ndim)}


def _basic(draw: Draw, values: list, x: int) -> tuple:
    parts = [_pick(draw, [":", "0", "-1", "1:", ":-1", "::2"]) for _ in values[x].shape]
    parts.insert(draw(0, len(parts)), _pick(draw, ["...", "None"]))
    return (x,), {"index": ", ".join(parts)}


def _rows(draw: Draw, values: list, x: int) -> tuple:  # no lone integers: engines differ on these
    count = draw(1, 3)
    rows = [[draw(-side, side - 1) for _ in range(count)] for side in values[x].shape]
    return (x,), {"rows": ", ".join(_pick(draw, [f"np.array({row})", ":"]) for row in rows) or None}


def _lead(x: Any, axis: Any, keepdims: bool) -> Any:
    """How far the largest entry along an axis is ahead of the next."""
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

# For each operation its draft, and how far its operands are from the next pole, kink or tie; the
# simplest stand first, as Hypothesis shrinks towards these.
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
    "{}[{index}]":                    (_basic,    None),
    "{}[{rows}]":                     (_rows,     None),
    "np.concatenate([{}, {}], axis={axis})": (_joined, None),
    "np.stack([{}, {}], axis={axis})":       (_joined, None),
}
# fmt: on
