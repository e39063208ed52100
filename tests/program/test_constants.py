"""A compiled program refers to constants of any kind, by names of any letters."""

import enum
import functools
import sys
import unicodedata
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import microbn as mb
from microbn import Tensor, nn
from microbn.program.compile import compile
from microbn.program.literals import identifier, literal

X = np.array([[1.0, 2.0], [3.0, 4.0]])


class Axis(enum.IntEnum):
    ROWS = 0


class Color(enum.Enum):
    RED = 2


class Hostile:
    """An object that spells itself as code."""

    factor = 2

    def __repr__(self):
        return "__import__('sys').exit('run')"

    __str__ = __repr__


class HostileInt(int):
    def __repr__(self):
        return "__import__('sys').exit('run')"

    __str__ = __repr__


@mb.primitive
def applied(x, *constants, **keywords):
    """Multiply x by the factor of a constant, and add the letters of its keyword."""
    return x * factor(*constants, *keywords.values()) + sum(map(ord, "".join(keywords)))


@pytest.fixture(autouse=True)
def _with_a_rule():
    mb.defvjp(
        applied, lambda g, out, x, *constants, **words: g * factor(*constants, *words.values())
    )


def factor(c):
    """Return a number that tells the constants and their types apart."""
    kind = float(len(type(c).__name__))
    if isinstance(c, Hostile):
        return kind + c.factor
    if isinstance(c, dict):
        return kind + sum(a.sum() for a in c.values())
    if isinstance(c, np.ndarray):
        return kind + (c["a"].sum() if c.dtype.names else c.size) + ord(c.dtype.str[0])
    if isinstance(c, np.dtype):
        return kind + ord(c.str[0])
    if isinstance(c, slice):
        return kind + (c.stop or 0)
    if isinstance(c, enum.Enum):
        return kind + c.value
    if callable(c):
        return kind + c(3)
    if isinstance(c, (str, bytes, tuple, set, frozenset, list)):
        return kind + len(c)
    if isinstance(c, int):
        return kind + c.bit_length() + c % 97
    if isinstance(c, (float, Fraction, Decimal, np.generic)):
        return kind + (float(c) if np.isfinite(float(c)) else 50)
    return kind


CONSTANTS = {
    "text that says inf": "inf",
    "text that says nan, and more": "a nan, (inf), -inf -- and a-hyphenated word " * 9,
    "text of all sorts": "\"'\\\n\x00\u2028\ud800{x}",
    "bytes": b"inf\xff",
    "infinity": float("inf"),
    "minus infinity": -float("inf"),
    "nan": float("nan"),
    "minus zero": -0.0,
    "a long integer": 10**20,
    "an integer too long to spell": 3 ** (1 << 14),
    "infinity of NumPy's": np.float32("-inf"),
    "float32": np.float32(0.1),
    "a boolean of NumPy's": np.True_,
    "None": None,
    "an ellipsis": ...,
    "a complex number": complex(-0.0, 1),
    "an IntEnum": Axis.ROWS,
    "an Enum": Color.RED,
    "a lambda": lambda n: n * 2,
    "a function": abs,
    "a function of NumPy's": np.sqrt,
    "a class": int,
    "a class of NumPy's": np.float32,
    "a class of one's own": Fraction,
    "a partial": functools.partial(pow, 2),
    "a fraction": Fraction(1, 3),
    "a decimal": Decimal("0.1"),
    "a dtype": np.dtype("float32"),
    "a dtype with fields": np.dtype([("a", float), ("b", int)]),
    "a dtype of other bytes": np.dtype(">f8"),
    "an array with fields": np.array([(1.0, 2)], [("a", float), ("b", int)]),
    "an array of text": np.array(["inf", "nan"]),
    "an array of objects": np.array([None, Fraction(1, 3)]),
    "an array of complex numbers": np.array([1j, complex(np.inf, np.nan)]),
    "an array of other bytes": np.array([1.0, 2.0], ">f8"),
    "an array of dates": np.array(["2020-01-01"], "datetime64[D]"),
    "a slice": slice(1, 5, 2),
    "a slice of NumPy's numbers": slice(np.int64(1), np.int64(5)),
    "a set": {1, 2},
    "a dict of arrays": {"a": X, "b": X[0]},
    "nested": (1, [2.0, "inf", (None, Color.RED, float("nan"))], slice(None)),
    "an empty tuple": (),
    "one whose repr is code": Hostile(),
    "an integer whose repr is code": HostileInt(3),
}


@pytest.mark.bits
@pytest.mark.parametrize("constant", CONSTANTS.values(), ids=CONSTANTS)
def test_a_constant_of_any_kind_arrives_as_it_was_given(constant):
    given = [lambda x: applied(x, constant), lambda x: applied(x, option=constant)]
    for f in given:
        for g in (f, lambda x, f=f: f(x).sum() + f(x * 2).sum()):
            out = g(Tensor(X))
            cotangent = {} if out.shape == () else {"cotangent": X}
            program = compile(g, Tensor(X), **cotangent)
            found, _ = program(X, *cotangent.values())
            np.testing.assert_allclose(found, g(X), rtol=1e-14)
            run = source_of(program)
            assert np.array_equal(run(X, *cotangent.values())[0], found)


def source_of(program, **defined):
    """Return the printed function, with everything defined that the source asks for."""
    space = dict(defined)
    exec(program.source, space)
    missing = [
        line.split()[1] for line in program.source.splitlines() if "has to be defined" in line
    ]
    assert not set(missing) & set(space)
    running = program._run.__globals__
    space |= {name: running[name] for name in missing}
    return space[program._run.__name__]


def test_constants_that_can_be_written_out_are_and_others_are_named():
    source = compile(lambda x: applied(x, "inf") + applied(x, np.inf), X, gradients=False).source
    assert "applied(x, 'inf')" in source
    assert "applied(x, np.inf)" in source
    source = compile(lambda x: applied(x, Fraction(1, 3)), X, gradients=False).source
    assert "applied(x, fraction)" in source
    assert "# fraction has to be defined here: a constant of type Fraction" in source
    source = compile(lambda x: applied(x, int), X, gradients=False).source
    assert "from builtins import int\n" in source
    source = compile(lambda x: applied(x, key=Fraction), X, gradients=False).source
    assert "from fractions import Fraction as fraction\n" in source


def test_two_constants_of_the_same_words_stay_two():
    one, two = Hostile(), Hostile()
    two.factor = 5
    f = lambda x: applied(x, one) + applied(x, two) + applied(x, 3) + applied(x, HostileInt(3))  # noqa: E731
    program = compile(f, X, gradients=False)
    np.testing.assert_allclose(program(X), f(X))


@pytest.mark.bits
def test_an_axis_that_is_an_enum():
    f = lambda x: np.sum(x, axis=Axis.ROWS) + x[Axis.ROWS] + Axis.ROWS * x[0]  # noqa: E731
    assert np.array_equal(compile(f, X, gradients=False)(X), f(X))


@pytest.mark.bits
@pytest.mark.parametrize(
    "key", ["a b", "lambda", "x=exit()) #", "\ufb01", "\u09f4", "", "__class__"]
)
def test_a_keyword_is_a_keyword_whatever_it_says(key):
    f = lambda x: applied(x, **{key: 3.0}).sum()  # noqa: E731
    program = compile(f, Tensor(X))
    assert np.array_equal(program(X)[0], f(X))
    assert np.array_equal(source_of(program)(X)[0], f(X))


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("__module__", "os\nraise SystemExit('run')\n"),
        ("__module__", "os; raise SystemExit"),
        ("__module__", "no.such.module"),
        ("__module__", "os"),
        ("__module__", 3),
        ("__name__", "tripled\nraise SystemExit('run')\n"),
        ("__name__", "a b"),
        ("__name__", "lambda"),
        ("__name__", "\u09f4"),
        ("__name__", "np"),
        ("__name__", "bytes"),
        ("__name__", "\ufb01"),
    ],
)
def test_what_a_function_says_of_itself_is_no_code(attribute, value):
    def plain(x):
        return 3 * x

    setattr(plain, attribute, value)
    tripled = mb.primitive(plain)
    mb.defvjp(tripled, lambda g, out, x: 3 * g)
    program = compile(lambda x: np.sum(tripled(x)), Tensor(X))
    assert program(X)[0] == 30
    assert source_of(program)(X)[0] == 30
    assert "has to be defined here" in program.source


def test_a_function_within_another_is_not_imported_from_its_module():
    @mb.primitive
    def closed(x, number=4):
        return x * len(str(number))

    mb.defvjp(closed, lambda g, out, x: g)
    program = compile(lambda x: np.sum(closed(x)), Tensor(X))
    assert "# closed has to be defined here: it cannot be imported by name" in program.source


def test_a_function_of_a_script_is_written_out_unless_it_is_a_closure():
    def script(x):
        return x * 2

    outside = 2

    def closed(x):
        return x * outside

    for plain, known in ((script, True), (closed, False)):
        plain.__module__ = "__main__"
        doubled = mb.primitive(plain)
        mb.defvjp(doubled, lambda g, out, x: 2 * g)
        source = compile(lambda x, doubled=doubled: np.sum(doubled(x)), Tensor(X)).source
        assert ("# closed has to be defined here: its source is not known" in source) is not known
        assert ("def script(x):\n    return x * 2\n" in source) is known


@pytest.mark.parametrize("name", ["\ufb01", "lambda"])
def test_a_function_whose_name_python_reads_otherwise_is_not_imported(name, monkeypatch):
    @mb.primitive
    def plain(x):
        return x * 2

    plain.__name__ = name
    monkeypatch.setattr(sys.modules[__name__], name, plain, raising=False)
    mb.defvjp(plain, lambda g, out, x: 2 * g)
    source = compile(lambda x: np.sum(plain(x)), Tensor(X)).source
    assert f"from {__name__} import" not in source
    assert "has to be defined here" in source


# Names


def compiled_with(names):
    """Compile a net whose Tensors, groups and function have these names."""

    def f(*xs):
        total = 0
        for name, x in zip(names, xs, strict=True):
            with mb.scope(name):
                y = np.tanh(x)
                mb.label({name: y})
            total = total + np.sum(y * y)
        return total

    f.__name__ = names[0]
    return compile(f, *(Tensor(X, name) for name in names))


def assert_right(names):
    program = compiled_with(names)
    xs = [X + i for i in range(len(names))]
    value, gradients = program(*xs)
    assert value == pytest.approx(sum(np.sum(np.tanh(x) ** 2) for x in xs))
    assert len(gradients) == len(names)
    assert source_of(program)(*xs)[0] == value


@pytest.mark.bits
def test_long_names_are_not_broken():
    for length in (60, 85, 86, 87, 99, 100, 101, 300):
        assert_right(["x" * length, "y-" * (length // 2), "z" * length])
    f = lambda x: sum(np.sum(applied(x, "some words, and-a-hyphen " * n)) for n in (3, 4, 5, 6))  # noqa: E731
    assert compile(f, Tensor(X))(X)[0] == pytest.approx(f(X))


def test_every_character_of_unicode_is_good_in_a_name():
    for first in range(0, sys.maxunicode + 1, 256):
        letters = [*map(chr, range(first, first + 256))]
        for text in ("".join(letters), " ".join(letters), "a".join(letters)):
            word = identifier(text)
            assert word.isidentifier(), hex(first)
            assert unicodedata.normalize("NFKC", word) == word, hex(first)
    odd = [
        chr(c)
        for c in range(sys.maxunicode + 1)
        if chr(c).isalnum() and not f"a{chr(c)}".isidentifier()
    ]
    assert "\u09f4" in odd
    assert len(odd) > 500
    assert all(map(str.isidentifier, map(identifier, odd)))
    assert_right(odd[::50])
    exec("\n".join(f"a{identifier(c)} = {identifier(c)}_ = 1" for c in odd))


@pytest.mark.bits
@given(st.lists(st.text(min_size=1, max_size=6), min_size=1, max_size=2))
@example(["\u09f4", "x\u09f4", "\u09f4\u09f4"])
@example(["np", "np", "numpy"])
@example(["print", "slice", "int"])
@example(["\ud800", "\n", "#"])
def test_any_text_is_accepted_as_a_name(names):
    assert_right(names)


@given(st.floats() | st.integers() | st.text() | st.binary() | st.booleans() | st.none())
@example(-np.inf)
@example(np.nan)
@example(-0.0)
def test_what_is_written_out_is_the_same_again(x):
    again = eval(literal(x), {"np": np})
    assert type(again) is type(x)
    assert repr(again) == repr(x)


def test_parameters_of_layers_with_odd_names():
    model = nn.Sequential(nn.Linear(2, 2, rng=0))
    setattr(model, "layer \u09f4", nn.Linear(2, 2, rng=1))
    program = compile(lambda x, *_: model(x).sum(), X, *model.parameters())
    assert program(X, *(p.data for p in model.parameters()))[0] == pytest.approx(
        model(X).sum().data
    )
