"""`given_gradients`: a function and strategies for its inputs, as a property test."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from ..errors import ArgumentError, need_package
from .gradcheck import assert_gradients

need_package("hypothesis", "test", "given_gradients")
from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402


def given_gradients(
    f: Any, *, order: int = 1, closed_form: Callable | None = None, **inputs: Any
) -> Callable:
    """Decorate a test: Hypothesis draws the inputs, and `gradcheck` has to find f right.

    There is a strategy for every input of ``f``, in order; or, where one input depends on others,
    a function of these that gives the strategy. The test is called with what was drawn, and may
    look at more. ``order`` and ``closed_form`` are for `gradcheck`.

    Raises ArgumentError for inputs that are neither.

    >>> from microbn.testing.strategies import arrays, batches
    >>> @given_gradients(batch_norm, x=batches(), gamma=lambda x: arrays(x.shape[1]))
    ... def test_gradients_of_my_batch_norm(x, gamma):
    ...     assert np.allclose(batch_norm(x, gamma).mean(0), 0)
    """
    for name, strategy in inputs.items():
        if not (isinstance(strategy, st.SearchStrategy) or inspect.isfunction(strategy)):
            raise ArgumentError(
                f"given_gradients: {name}= is {strategy!r:.60}; it takes a strategy such as "
                "arrays((4, 3)), or a function of other inputs that gives one"
            )
    if not inputs:
        raise ArgumentError("given_gradients: no inputs; given_gradients(f, x=arrays((4, 3)))")

    def decorate(test: Callable) -> Callable:
        @given(inputs=_drawn(inputs), seed=st.integers(0, 2**32 - 1))
        def property_test(inputs: dict[str, Any], seed: int) -> None:
            assert_gradients(f, *inputs.values(), order=order, closed_form=closed_form, seed=seed)
            test(**inputs)

        property_test.__name__, property_test.__doc__ = test.__name__, test.__doc__
        property_test.__module__, property_test.__qualname__ = test.__module__, test.__qualname__
        return property_test

    return decorate


@st.composite
def _drawn(draw: st.DrawFn, inputs: dict[str, Any]) -> dict[str, Any]:
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
