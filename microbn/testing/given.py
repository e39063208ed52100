"""`given_gradients`: a function and strategies for its inputs, as a property test."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from random import Random
from typing import Any

from ..arguments import need_package
from ..errors import ArgumentError
from .gradcheck import assert_gradients

need_package("hypothesis", "test", "given_gradients")
from hypothesis import HealthCheck, Phase, find, given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402


def given_gradients(
    f: Any, *, order: int = 1, closed_form: Callable | None = None, **inputs: Any
) -> Callable:
    """Decorate a test: Hypothesis draws the inputs, and `gradcheck` must find f right at them.

    Give a strategy for every input of ``f``, by name. Where an input depends on others, give a
    function of these that returns the strategy. The test is called with the drawn inputs and may
    check more. ``order`` and ``closed_form`` are passed to `gradcheck`.

    Raises ArgumentError for an input that is neither a strategy nor a function, or that f or the
    test does not take.

    >>> from microbn.testing.strategies import arrays, batches
    >>> @given_gradients(batch_norm, x=batches(), gamma=lambda x: arrays(x.shape[1]))
    ... def test_gradients_of_my_batch_norm(x, gamma):
    ...     assert np.allclose(batch_norm(x, gamma).mean(0), 0)
    """
    _check_strategies(inputs)
    _read_constants()
    order_of_f = _in_order(getattr(f, "forward", f), inputs)

    def decorate(test: Callable) -> Callable:
        _in_order(test, inputs)

        @given(inputs=drawn_inputs(inputs), seed=st.integers(0, 2**32 - 1))
        def property_test(inputs: dict[str, Any], seed: int) -> None:
            __tracebackhide__ = True  # pytest shows the caller's line
            values = [inputs[name] for name in order_of_f]
            assert_gradients(f, *values, order=order, closed_form=closed_form, seed=seed)
            test(**inputs)

        property_test.__name__, property_test.__doc__ = test.__name__, test.__doc__
        property_test.__module__, property_test.__qualname__ = test.__module__, test.__qualname__
        return property_test

    return decorate


@cache
def _read_constants() -> None:
    """Let Hypothesis read the constants of the code around it, before any test runs.

    It reads them once, in the middle of a draw. In a fresh clone, where it reads all of microbn,
    this takes a second, and the test would fail for drawing too slowly.
    """
    quietly = settings(
        database=None,
        phases=[Phase.generate],
        max_examples=5,
        suppress_health_check=[*HealthCheck],
    )
    many = st.lists(st.integers(), min_size=300, max_size=300)  # one draw in twenty is a constant
    find(many, any, settings=quietly, random=Random(0))


def _check_strategies(inputs: Mapping[str, Any]) -> None:
    if not inputs:
        raise ArgumentError("given_gradients: no inputs; given_gradients(f, x=arrays((4, 3)))")
    for name, strategy in inputs.items():
        if not (isinstance(strategy, st.SearchStrategy) or inspect.isfunction(strategy)):
            raise ArgumentError(
                f"given_gradients: {name}= is {strategy!r:.60}; it takes a strategy such as "
                "arrays((4, 3)), or a function of other inputs that returns one"
            )


def _in_order(f: Callable, inputs: Mapping[str, Any]) -> list[str]:
    """Return the names of the inputs in the order in which f takes them.

    Raises ArgumentError if f cannot be called with them.
    """
    try:
        signature = inspect.signature(f)
    except (TypeError, ValueError):  # a ufunc may have none
        return [*inputs]
    kinds = {p.kind for p in signature.parameters.values()}
    if kinds & {inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.POSITIONAL_ONLY}:
        return [*inputs]
    try:
        bound = signature.bind(**dict(zip(inputs, inputs, strict=True)))
    except TypeError as error:
        raise ArgumentError(
            f"given_gradients: {getattr(f, '__name__', 'it')}{signature} cannot be called with "
            f"{', '.join(inputs)}: {error}"
        ) from None
    return [*bound.args, *bound.kwargs]


@st.composite
def drawn_inputs(draw: st.DrawFn, inputs: dict[str, Any]) -> dict[str, Any]:
    """Draw a value for each input, in the order in which they were given."""
    values: dict[str, Any] = {}
    for name, strategy in inputs.items():
        if not isinstance(strategy, st.SearchStrategy):
            needed = inspect.signature(strategy).parameters
            if unknown := needed.keys() - values:
                raise ArgumentError(
                    f"given_gradients: {name}= depends on {min(unknown)!r}, which is no input "
                    "before it"
                )
            strategy = strategy(**{other: values[other] for other in needed})
        values[name] = draw(strategy)
    return values
