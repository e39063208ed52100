"""The reverse sweep: one generator, from which all gradients and their pictures come."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from heapq import heappop, heappush
from typing import Any, NamedTuple

import numpy as np

from ..errors import faults
from .arrays import like, shown
from .functions import astype
from .mode import Mode, mode
from .node import Node, has_history, held, is_node, plain, replaced
from .primitive import rules_of


class Message(NamedTuple):
    """A message that a node sends to one of its operands.

    ``product`` is the rule's result. ``gradient`` is that result in the operand's shape and dtype:
    it is summed over the axes along which NumPy had repeated the operand.
    """

    operand: Any
    position: int
    product: Any
    gradient: Any


class Step(NamedTuple):
    """One step of the sweep: a node whose gradient is complete, and the messages it sends."""

    node: Any
    gradient: Any
    messages: list[Message]

    def __str__(self) -> str:
        from .names import step_in_words

        return step_in_words(self)


def sweep(root: Any, cotangent: Any = None, *, create_graph: bool = False) -> Iterator[Step]:
    """Walk from ``root`` back to the leaves. Yield a `Step` for each node with its whole gradient.

    ``cotangent`` is the gradient of the loss with respect to the root, in the root's shape. For a
    root of one element it is 1 by default. With ``create_graph`` the rules are given nodes instead
    of arrays, so that the gradients are recorded and can be differentiated again.

    Raises GraphError if nothing was recorded, ShapeError for a cotangent that does not fit, and
    RuleError for a rule whose result is not a gradient.
    """
    steps = _steps(root, _seed(root, cotangent, create_graph), create_graph, keep=True)
    return (
        Step(held(n), shown(g), [Message(*map(shown, m)) for m in sent]) for n, g, sent in steps
    )


def _steps(root: Any, seed: Any, create_graph: bool, keep: bool = False) -> Iterator[tuple]:
    """Run the sweep for everything in this file. Its steps are plain tuples, for speed.

    Numbers grow with time, so the highest node that is waiting has received everything.
    """
    waiting, numbers = {root.number: (root.record, seed)}, [-root.number]
    for watch in (watches := mode.get().watches):
        watch.sent(None, 0, root, seed, None)
    while numbers:
        node, gradient = waiting.pop(-heappop(numbers))
        messages: list | None = [] if keep else None
        before = mode.get() if create_graph else None
        try:
            if before:
                mode.set(_gradient_mode(before, node, gradient))
            if node.function:
                _send(node, gradient, waiting, numbers, watches, create_graph, messages)
        finally:
            if before:  # no call before this one, or Ctrl-C could come in between
                mode.set(before)
        yield node, gradient, messages


def _gradient_mode(before: Mode, node: Any, gradient: Any) -> Mode:
    """Return the mode in which the rules of ``node`` are recorded, and name its gradient.

    The scope is ("gradient", *node.scope), so that the gradient's own graph has the groups of the
    forward.
    """
    if is_node(gradient) and gradient.name is None and (name := node.called()):
        gradient.name = f"d_{name}"
    return before._replace(scope=("gradient", *node.scope), role="gradient")


def _send(node, gradient, waiting, numbers, watches, create_graph, messages):
    """Run the rule of each operand that a gradient can flow into, and add up what they give."""
    inputs, kwargs = node.inputs, node.kwargs
    if isinstance(gradient, np.ndarray):
        gradient = shown(gradient)  # no rule may change what the others get
    given = gradient, node if node.out is None else node.out, *node.args
    if create_graph:
        given = gradient, (whole := held(node)), *whole.inputs
        if not mode.get().recording or replaced(whole):
            raise faults.stale(whole)
    for position, vjp in enumerate(rules_of(node.function, len(inputs))):
        if vjp is None or not getattr(operand := inputs[position], "flows", False):
            continue  # nothing flows into constants, masks and indices
        try:
            part = product = vjp(*given, **kwargs) if kwargs else vjp(*given)
        except Exception as error:
            raise faults.in_rule(node, position, error) from error.__cause__
        if operand.shape or type(part) is not operand.dtype.type:  # but for NumPy's own numbers
            part = _fit(part, operand, node, position)
        _, earlier = waiting.get(operand.number, (None, None))
        if earlier is None:
            heappush(numbers, -operand.number)
        for watch in watches:
            watch.sent(held(node), position, held(operand), part, earlier)
        waiting[operand.number] = operand, part if earlier is None else earlier + part
        if messages is not None:
            messages.append((held(operand), position, product, part))


def _fit(product: Any, value: Any, node: Any, position: int) -> Any:
    """Return what a rule gave in its operand's shape and dtype.

    Raises RuleError if it is no gradient.
    """
    if isinstance(product, Node) and mode.get().role != "gradient":
        raise faults.wrong_gradient(node, position, product, product, value)
    if getattr(product, "shape", None) == value.shape and product.dtype is value.dtype:
        return product
    part = product if hasattr(product, "dtype") else np.asarray(product)
    stacked = node.shape[:-2] + value.shape[-2:]  # a matrix, repeated for a stack of others
    if isinstance(node.function, np.ufunc) or part.shape in (node.shape, stacked):
        part = _unbroadcast(part, value.shape)
    if part.shape == value.shape and part.dtype == value.dtype:
        return part
    if product is None or part.shape != value.shape or part.dtype.kind not in "fiub":
        raise faults.wrong_gradient(node, position, product, part, value)
    return astype(part, value.dtype)


def _unbroadcast(gradient: Any, shape: tuple[int, ...]) -> Any:
    """Sum over the axes along which NumPy had repeated an array of this shape.

    It is done with recordable functions, so that it too can be drawn and differentiated.
    """
    new, same = repeated(gradient.shape, shape)
    if new:
        gradient = gradient.sum(axis=new)
    return gradient.sum(axis=same, keepdims=True) if same else gradient


@lru_cache(maxsize=1000)
def repeated(wide: tuple[int, ...], narrow: tuple[int, ...]) -> tuple:
    """Return the axes that broadcasting from narrow to wide adds, and those that it repeats."""
    new = tuple(range(len(wide) - len(narrow)))
    kept = zip(narrow, wide[len(new) :], strict=False)
    return new, tuple(i for i, (n, m) in enumerate(kept) if n == 1 != m)


def _seed(root: Any, given: Any, create_graph: bool) -> Any:
    """Return the gradient that the sweep starts with: an array, or with create_graph a node."""
    seed = start(root, given)
    if not create_graph:
        return seed
    return astype(given, seed.dtype) if isinstance(given, Node) else type(root)(seed)


def start(root: Any, given: Any = None) -> Any:
    """Return the cotangent as an array of the root's shape and dtype. By default it is 1.

    Raises DTypeError, GraphError or ShapeError if no backward can start with it.
    """
    made = isinstance(root, Node) and has_history(root)
    if not (made and root.flows and (given is not None or root.value.size == 1)):
        raise faults.no_start(root)
    if given is None:
        return np.ones(root.value.shape, root.value.dtype)[()]
    if (cotangent := like(root.value, plain(given))) is None:
        raise faults.no_cotangent(root, given)
    return np.array(cotangent)[()]


def backward(root: Any, cotangent: Any = None, *, retain_grads: bool = False) -> None:
    """Add the gradient of ``root`` to the ``.grad`` of every leaf it was made from.

    With ``retain_grads`` every node on the way keeps its own as well. Errors as for `sweep`;
    they leave every ``.grad`` as it was.
    """
    received = []
    for node, gradient, _ in _steps(root, start(root, cotangent), False):
        if retain_grads or node.function is None:
            received.append((node, gradient))
        del gradient  # or it would stay in memory for the next step
    for node, gradient in received:
        node.grad = np.array(gradient) if node.grad is None else np.asarray(node.grad + gradient)


def grad(output: Any, inputs: Any, cotangent: Any = None, *, create_graph: bool = False) -> Any:
    """Return the gradient of ``output`` with respect to a Tensor or a sequence of them.

    Returns an array, or a tuple of arrays for a sequence. A gradient is zeros if the output does
    not depend on the input. With ``create_graph`` the gradients are Tensors that have a graph of
    their own, so that ``grad(grad(y, x, create_graph=True), x)`` is the second derivative. No
    ``.grad`` changes.

    Raises the errors of `sweep`, and DTypeError for an input that is not a Tensor.
    """
    wanted = inputs if (several := isinstance(inputs, (tuple, list))) else [inputs]
    if not all(isinstance(x, Node) for x in (output, *wanted)):
        raise faults.no_gradient(output, wanted)
    seeded = _seed(output, cotangent, create_graph)
    found: dict[int, Any] = {x.number: 0.0 if create_graph else None for x in wanted}
    for node, gradient, _ in _steps(output, seeded, create_graph):
        if node.number in found:
            found[node.number] = gradient
        del gradient  # or it would stay in memory for the next step
    pairs = [(x, found[x.number]) for x in wanted]
    if create_graph:  # a gradient that is 0 or constant is still recorded as made from x
        parts = [+g if is_node(g) else np.where(False, x, g) for x, g in pairs]
    else:
        parts = [np.zeros_like(x.value) if g is None else np.array(g) for x, g in pairs]
    return tuple(parts) if several else parts[0]
