"""Random programs and each rule by itself, differentiated once and twice beside other engines."""

import functools
from collections import Counter

import numpy as np
import peers
import pytest
from derivatives import CALLS, SEEDS, SEEDS_TWICE, name, of_call, of_program, program
from hypothesis import given

from microbn import Tensor
from microbn.engine import functions as primitives
from microbn.engine.primitive import RULES
from microbn.testing import programs, strategies
from microbn.testing.programs import OPERATIONS

PEERS = [peers.hips_autograd, peers.pytorch]


def assert_same(mine, their):
    for what, parts, others in zip(("value", "gradient", "second"), mine, their, strict=True):
        pairs = [(parts, others)] if what == "value" else zip(parts, others, strict=True)
        for i, pair in enumerate(pairs):
            np.testing.assert_allclose(
                *map(np.asarray, pair), rtol=1e-9, atol=1e-10, strict=True, err_msg=f"{what} {i}"
            )


def assert_all_same(mine, theirs):
    for mine_each, their_each in zip(mine, theirs, strict=True):
        assert_same(mine_each, their_each)


def assert_programs_agree(peer, seeds, twice=False):
    unchecked = []
    for seed in seeds:
        try:
            assert_same(of_program(peers.microbn, seed, twice), of_program(peer, seed, twice))
        except peers.Unable as error:
            unchecked.append(f"program({seed}): {error}")
        except Exception as error:
            error.add_note(f"program({seed}):\n{program(seed)}")
            raise
    assert len(unchecked) <= len(seeds) // 50, unchecked


@pytest.mark.parametrize("peer", PEERS, ids=name)
def test_values_and_gradients_of_500_programs_are_those_of(peer):
    assert_programs_agree(peer, SEEDS)


@pytest.mark.parametrize("peer", PEERS, ids=name)
def test_second_derivatives_of_100_programs_are_those_of(peer):
    assert_programs_agree(peer, SEEDS_TWICE, twice=True)


UNKNOWN = {(peers.hips_autograd, np.positive), (peers.hips_autograd, primitives.scatter)}


@pytest.mark.parametrize("peer", PEERS, ids=name)
@pytest.mark.parametrize("function", CALLS, ids=name)
def test_rule_by_itself_agrees_once_and_twice(function, peer):
    if (peer, function) in UNKNOWN:
        pytest.skip(f"{name(peer)} has no rule for {name(function)}: unchecked")
    assert_same(of_call(peers.microbn, function), of_call(peer, function))


def test_no_rule_goes_unchecked():
    assert set(CALLS) == {function for function, vjps in RULES.items() if vjps}


# The checks, checked


def plant_a_fault(monkeypatch, function):
    def spoilt(vjp):
        def wrong(*args, **kwargs):
            return 1.0005 * vjp(*args, **kwargs)

        return wrong

    monkeypatch.setitem(RULES, function, tuple(vjp and spoilt(vjp) for vjp in RULES[function]))


@pytest.mark.parametrize("peer", PEERS, ids=name)
def test_a_fault_in_multiply_is_rejected_with_seed_and_program(peer, monkeypatch):
    plant_a_fault(monkeypatch, np.multiply)
    with pytest.raises(AssertionError, match="Mismatched elements") as caught:
        assert_programs_agree(peer, SEEDS)
    (note,) = caught.value.__notes__
    assert note.startswith("program(")
    assert " * " in note


@pytest.mark.parametrize("function", CALLS, ids=name)
def test_a_fault_in_any_rule_by_itself_is_rejected(function, monkeypatch):
    right = of_call(peers.microbn, function)
    plant_a_fault(monkeypatch, function)
    with pytest.raises(AssertionError, match="Mismatched elements"):
        assert_same(of_call(peers.microbn, function), right)


right_of_program = functools.cache(functools.partial(of_program, peers.microbn))
NEVER_CALLED = {  # in a program; each is compared by itself above
    *("positive", "astype", "sin", "cos", "arcsin", "arccos", "arctan", "sinh", "cosh"),
    *("arcsinh", "arccosh", "arctanh", "log1p", "expm1", "cbrt", "logaddexp", "arctan2"),
    *("cumsum", "inv", "solve", "cholesky", "eigvalsh", "eigenvectors", "windows", "overlap_add"),
    "remainder",
}


@pytest.mark.parametrize("function", [f for f in CALLS if name(f) not in NEVER_CALLED], ids=name)
def test_a_fault_in_any_rule_is_rejected_by_some_program(function, monkeypatch):
    inner = (primitives.gate, primitives.scatter, primitives.spread)  # only rules call these
    twice = function in inner
    right = [right_of_program(seed, twice) for seed in SEEDS_TWICE]
    plant_a_fault(monkeypatch, function)
    wrong = (of_program(peers.microbn, seed, twice) for seed in SEEDS_TWICE)
    with pytest.raises(AssertionError, match="Mismatched elements"):
        assert_all_same(wrong, right)


# The programs


def test_every_operation_occurs_in_many_programs():
    counts = Counter(template for seed in SEEDS for template in templates(program(seed)))
    assert counts.keys() == OPERATIONS.keys()
    assert min(counts.values()) >= 20, counts


def templates(one):
    return {statement.template for statement in one.statements.values()}


def test_programs_broadcast_reuse_and_mix_in_constants():
    counts = Counter(trait for seed in SEEDS for trait in set(traits(program(seed))))
    assert min(counts[trait] for trait in TRAITS) >= 50, counts
    assert sum(len(program(seed).statements) for seed in SEEDS) > 2000


TRAITS = ["zero-d", "size-one axis", "broadcast", "new axis", "used twice", "used in two"]
TRAITS += ["number", "array"]


def traits(one):
    values = dict(enumerate(one.inputs))
    for number, statement in one.statements.items():
        values[number] = out = statement.run(values, np, programs.functional)
        operands = [values[o] if isinstance(o, int) else np.asarray(o) for o in statement.operands]
        yield from (["zero-d"] if out.ndim == 0 else ["size-one axis"] if 1 in out.shape else [])
        if statement.template in ("{} + {}", "{} - {}", "{} * {}", "{} / {}", "{} ** {}"):
            yield from ["broadcast"] * (operands[0].shape != operands[1].shape)
            yield from ["new axis"] * (operands[0].ndim != operands[1].ndim)
        yield from ["used twice"] * (max(Counter(statement.reads()).values()) > 1)
        yield from ["number" for o in statement.operands if isinstance(o, float)]
        yield from ["array" for o in statement.operands if isinstance(o, np.ndarray)]
    readers = Counter(o for statement in one.statements.values() for o in set(statement.reads()))
    yield from ["used in two"] * (max(readers.values()) > 1)


def test_values_stay_small_and_away_from_poles_and_kinks():
    for seed in SEEDS:
        values = dict(enumerate(program(seed).inputs))
        for number, statement in program(seed).statements.items():
            values[number] = statement.run(values, np, programs.functional)
            assert np.max(np.abs(values[number])) < 30
            if statement.template.startswith(("np.sqrt", "np.log", "np.abs", "F.relu")):
                assert np.min(np.abs(values[statement.operands[0]])) > 1e-2
            if statement.template.startswith("np.max(") and statement.static["axis"] is None:
                entries = np.sort(values[statement.operands[0]], axis=None)
                assert np.all(np.diff(entries)[-1:] > 1e-2)


@pytest.mark.bits
def test_same_bits_come_from_tensors_as_from_arrays():
    for seed in SEEDS:
        assert_same_bits(program(seed))


def assert_same_bits(one):
    plain = np.asarray(one.run())
    recorded = one.run([Tensor(a) for a in one.inputs])
    assert isinstance(recorded, Tensor)
    assert recorded.data.shape == plain.shape
    assert recorded.data.tobytes() == plain.tobytes(), one


@pytest.mark.bits
def test_printed_program_runs_as_it_stands():
    for seed in SEEDS_TWICE:
        names = {"np": np, "F": programs.functional}
        exec(str(program(seed)), names)
        last = names[f"v{max(program(seed).statements)}"]
        assert np.asarray(last).tobytes() == np.asarray(program(seed).run()).tobytes()


def test_seed_gives_the_same_program_each_time():
    assert [str(programs.program(seed)) for seed in range(20)] == [
        str(program(seed)) for seed in range(20)
    ]
    assert len({str(program(seed)) for seed in SEEDS}) == len(SEEDS)


@pytest.mark.bits
@given(strategies.programs())
def test_hypothesis_grows_programs_too(one):
    assert_same_bits(one)
