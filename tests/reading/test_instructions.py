"""Python's instructions say what is called, and where a value goes."""

import dis

import pytest

from microbn.reading.instructions import callee, destination

CALLS = {
    "f(x)": ["f"],
    "f()": ["f"],
    "x.mean(axis=0)": ["mean"],
    "np.linalg.norm(x, 2)": ["norm"],
    "f(x, y=2, z=g(x))": ["g", "f"],
    "g(f(x), 3)": ["f", "g"],
    "np.exp(x[0] * 2 + g(3))": ["g", "exp"],
    "self.a.b(x, *args)": ["b"],
    "f(*args, **more)": ["f"],
    "f()(x)": ["f", ""],
    "(lambda t: t)(x)": [""],
    "x + 1": [],
}


@pytest.mark.parametrize("code", CALLS)
def test_the_callee_lies_below_its_arguments(code):
    for kind in (f"def run(x, f, args): {code}", code):
        made = compile(kind, "no file", "exec")
        made = next((c for c in made.co_consts if hasattr(c, "co_code") and "run" in kind), made)
        calls = [s for s in dis.get_instructions(made) if s.opname.startswith(("CALL", "PRECALL"))]
        found = [callee(made, step.offset) for step in calls if "INTRINSIC" not in step.opname]
        wanted = [w for w in CALLS[code] for _ in range(1 + has_precall(calls, code))]
        assert found == wanted


def has_precall(calls, code):
    """Return whether Python makes each of these calls in two instructions, as 3.11 does."""
    return "*" not in code.replace(" * ", "") and any(s.opname == "PRECALL" for s in calls)


@pytest.mark.parametrize(
    ("code", "where"),
    [
        ("return x * 2", ("return", None)),
        ("return x * 2, 1", ("return", 0)),
        ("y = x * 2", ("y", None)),
        ("y, z = 1, x * 2", ("z", None)),
        ("y = 1, x * 2", ("", None)),
        ("return 1, (2, x * 2)", ("", None)),
        ("return [x * 2]", ("", None)),
        ("f(x * 2)", ("", None)),
    ],
)
def test_a_value_goes_into_a_variable_or_back_to_the_caller(code, where):
    space = {}
    exec(f"def run(x): {code}", space)
    made = space["run"].__code__
    (product,) = (s.offset for s in dis.get_instructions(made) if s.opname == "BINARY_OP")
    assert destination(made, product) == where
