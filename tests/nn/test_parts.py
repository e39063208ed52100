"""An attribute of a Module stays a buffer or a parameter, in lists and dicts too."""

import copy
import pickle
from functools import partial

import numpy as np
import pytest

from microbn import Tensor, compile, errors, grad, nn, no_grad, optim, scalars
from microbn.lab import train
from microbn.lab.compiled import CompiledStep

RNG = np.random.default_rng(0)


class OwnNorm(nn.Module):
    """A batch norm as students write it: its statistics are assigned what was computed."""

    def __init__(self, features, dtype=np.float64):
        self.gamma = Tensor(np.ones(features), dtype=dtype)
        self.running_mean, self.batches = np.zeros(features, dtype), np.array(0)

    def forward(self, x):
        mean = x.mean(axis=0)
        if self.training:
            self.running_mean = 0.9 * self.running_mean + 0.1 * mean
            self.batches = self.batches + 1
        return (x - mean) * self.gamma


@pytest.mark.parametrize("recorded", [True, False])
def test_a_buffer_takes_the_values_of_a_computed_tensor(recorded):
    norm, x = OwnNorm(3), Tensor(RNG.normal(size=(4, 3)))
    if recorded:
        norm(x)
    else:
        with no_grad():
            norm(x)
    assert list(norm.state_dict()) == ["gamma", "running_mean", "batches"]
    assert (type(norm.running_mean), type(norm.batches)) == (np.ndarray, np.ndarray)
    np.testing.assert_array_equal(norm.running_mean, 0.1 * x.data.mean(axis=0))
    assert norm.batches == 1


def test_buffer_keeps_no_batch_and_gives_it_no_gradient():
    norm, old = OwnNorm(3), Tensor(RNG.normal(size=(4, 3)))
    norm(old)
    np.sum(norm(Tensor(RNG.normal(size=(4, 3)))) + norm.running_mean).backward()
    assert old.grad is None


def test_buffers_that_are_assigned_make_the_round_trip():
    norm, twin = OwnNorm(3), OwnNorm(3)
    norm(Tensor(RNG.normal(size=(4, 3))))
    twin.load_state_dict(norm.state_dict())
    np.testing.assert_array_equal(twin.running_mean, norm.running_mean)
    assert np.any(twin.running_mean != 0)


def test_buffer_keeps_its_dtype():
    norm = OwnNorm(3, np.float32)
    norm(RNG.normal(size=(4, 3)))
    assert norm.running_mean.dtype == np.float32


def test_numbers_of_every_kind_go_into_a_buffer_of_one_number():
    module = nn.Module()
    module.count = np.array(0)
    for value in (1, np.int64(2), np.array(3), True):
        module.count = value
        assert (type(module.count), module.count.dtype) == (np.ndarray, np.dtype(int))
        assert module.count == value
    module.count += 1
    assert module.state_dict()["count"] == 2


def test_the_values_of_single_tensors_go_into_a_buffer():
    module = nn.Module()
    module.mean = np.zeros(2)
    module.mean = scalars([[1.0, 2.0], [3.0, 4.0]]).mean(axis=0)
    assert (module.mean.dtype, module.mean.tolist()) == (np.dtype(float), [2, 3])


def test_a_list_of_numbers_goes_into_a_buffer():
    module = nn.Module()
    module.mean = np.zeros(2)
    module.mean = [1, 2.5]
    assert (module.mean.dtype, module.mean.tolist()) == (np.dtype(float), [1, 2.5])


def test_a_buffer_does_not_become_the_array_that_it_is_assigned():
    module, new = nn.Module(), np.ones(2)
    module.mean = first = np.zeros(2)
    module.mean = new
    new[:] = 5.0
    assert (module.mean.tolist(), first.tolist()) == ([1, 1], [0, 0])
    module.mean = Tensor([3.0, 4.0]).data  # read-only, but its copy is not
    module.load_state_dict({"mean": [5.0, 6.0]})


@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (np.zeros((1, 3)), errors.ShapeError, r"has shape \(3,\) and is assigned shape \(1, 3\)"),
        (0.0, errors.ShapeError, r"'mean' has shape \(3,\) and is assigned shape \(\); reshape"),
        (Tensor(np.ones(2)) * 2.0, errors.ShapeError, r"is assigned shape \(2,\)"),
        (np.array(["a", "b", "c"]), errors.DTypeError, "'mean' of float64 does not take array"),
        ([1.0, [2.0, 3.0]], errors.DTypeError, "does not take"),
        (np.zeros(3, complex), errors.DTypeError, "does not take"),
    ],
)
def test_values_that_do_not_fit_a_buffer_leave_it_as_it_was(value, error, message):
    module = nn.Module()
    module.mean = np.arange(3.0)
    with pytest.raises(error, match=f"Module: the buffer .*{message}"):
        module.mean = value
    assert module.mean.tolist() == [0, 1, 2]


def test_a_count_takes_no_fraction():
    module = nn.Module()
    module.count = np.array(0)
    with pytest.raises(errors.DTypeError, match=r"the buffer 'count' of int64 does not take 0\.5"):
        module.count = 0.5


NOT_LEAVES = {
    "computed": lambda p: p - 0.1 * p,
    "an array": lambda p: p.data - 0.1,
    "a number": lambda p: 0.5,
    "NumPy's number": lambda p: np.float64(0.5),
    "numbers": lambda p: [1.0, 2.0],
    "single Tensors": lambda p: scalars(p.data),
}


@pytest.mark.parametrize("value", NOT_LEAVES.values(), ids=NOT_LEAVES)
@pytest.mark.parametrize(
    "copied", [lambda m: m, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))]
)
def test_a_parameter_takes_values_only_by_its_data(value, copied):
    module = nn.Module()
    module.weight = Tensor([1.0, 2.0])
    module = copied(module)
    weight = module.weight
    with pytest.raises(errors.GraphError, match=r"'weight' is a parameter.*self\.weight\.data = "):
        module.weight = value(weight)
    assert module.weight is weight
    weight.data -= 0.5
    assert module.state_dict()["weight"].tolist() == [0.5, 1.5]


def test_a_tensor_computed_under_no_grad_is_not_a_leaf_either():
    module = nn.Module()
    module.weight = Tensor([1.0, 2.0])
    with no_grad(), pytest.raises(errors.GraphError, match="'weight' is a parameter"):
        module.weight = module.weight * 2.0


def test_other_things_may_take_any_place():
    module = nn.Module()
    for value in (Tensor([1.0]), None, np.ones(1), None, Tensor([1.0]), Tensor([2.0]), nn.ReLU()):
        module.part = value
        assert module.part is value
    for value in (
        Tensor([1.0]),
        "text",
        np.ones(1),
        [nn.ReLU()],
        np.ones(1),
        [],
        np.ones(1),
        "text",
        Tensor([1.0]),
    ):
        module.part = value
        assert module.part is value
    del module.part
    module.part = Tensor([1.0]) * 2.0  # it was deleted, so it may be anything
    assert module.state_dict() == {}


def test_a_buffer_may_become_a_parameter():
    module = nn.Module()
    module.scale = np.ones(2)
    module.scale = Tensor(module.scale)
    assert [path for path, _ in module.named_parameters()] == ["scale"]
    with pytest.raises(errors.GraphError, match="'scale' is a parameter"):
        module.scale = np.ones(2)


def test_an_attribute_first_set_in_a_call_may_hold_anything():
    class Noting(nn.Module):
        def forward(self, x):
            self.x, self.mask = x, np.asarray(x.shape) > 1
            self.kept = np.tanh(x)
            return self.kept * 2.0

    layer, leaf = Noting(), Tensor(RNG.normal(size=(4, 3)))
    layer(np.ones((5, 3)))
    y = layer(leaf)
    assert layer.kept is not None
    assert np.all(grad(y, leaf, np.ones((4, 3))) > 0)  # not cut off by an array noted before
    layer.state_dict()
    layer(np.ones((2, 3)))
    assert layer.x.shape == (2, 3)
    layer.mask = layer.kept = Tensor([1.0]) * 2.0  # outside a call as well
    assert layer.mask is layer.kept


def test_a_call_does_not_free_what_was_there_before():
    class Descending(nn.Module):
        def __init__(self):
            self.weight = Tensor([1.0])

        def forward(self, x):
            self.weight = self.weight * x
            return self.weight

    with pytest.raises(errors.GraphError, match=r"Descending: 'weight' is a parameter"):
        Descending()(2.0)


def test_a_module_is_called_no_longer_after_an_error():
    class Failing(nn.Module):
        def forward(self, x):
            raise ZeroDivisionError

    module = Failing()
    with pytest.raises(ZeroDivisionError):
        module(1.0)
    module.weight = Tensor([1.0])
    with pytest.raises(errors.GraphError, match="'weight' is a parameter"):
        module.weight = np.ones(1)


def test_a_property_decides_itself():
    class Positive(nn.Module):
        def __init__(self):
            self.log_scale = Tensor([0.0])

        @property
        def scale(self):
            return np.exp(self.log_scale)

        @scale.setter
        def scale(self, new):
            self.log_scale.data = np.log(new.data if isinstance(new, Tensor) else new)

    module = Positive()
    for scale, number in ((Tensor([2.0]), 2), (np.array([4.0]), 4)):
        module.scale = scale
        np.testing.assert_allclose(module.scale.data, number)


# Lists and dicts


@pytest.mark.parametrize("lost", [lambda p: p * 2.0, lambda p: np.float64(1.0), lambda p: 1.0])
@pytest.mark.parametrize("held", [np.ones(2), Tensor([1.0, 2.0])], ids=["buffer", "parameter"])
@pytest.mark.parametrize(
    ("container", "key", "spelled"),
    [([0, 0], 1, r"'own.1' .*self\.own\[1\]"), ({"a": 0}, "a", r"'own.a' .*self\.own\.a")],
)
def test_state_dict_says_what_a_list_or_a_dict_has_lost(lost, held, container, key, spelled):
    def filled(one):
        some = copy.copy(container)
        some[key] = one
        return some

    computed = lost(Tensor([1.0, 2.0]))
    model = nn.Sequential(nn.Module(), nn.ReLU())
    model.layers[0].own = filled(held)
    state = model.state_dict()
    model.layers[0].own[key] = computed
    for fault in (model.state_dict, partial(model.load_state_dict, state)):
        with pytest.raises(errors.GraphError, match=f"Module: {spelled}"):
            fault()
    model.layers[0].own[key] = held
    with pytest.raises(errors.GraphError, match=f"Module: {spelled}"):
        model.layers[0].own = filled(computed)
    assert model.state_dict().keys() == state.keys()


def test_a_list_that_has_grown_is_known_when_its_state_was_asked_for():
    module = nn.Module()
    module.stats = []
    module.stats.append(np.zeros(2))
    module.state_dict()
    module.stats[0] = Tensor([1.0, 2.0]) * 0.1
    with pytest.raises(errors.GraphError, match=r"'stats.0' is a buffer.*\[0\]\[\.\.\.\] = "):
        module.state_dict()


def test_a_part_that_leaves_a_list_for_good_is_not_lost():
    module = nn.Module()
    module.own = [np.ones(2), Tensor([1.0]), nn.ReLU()]
    module.own[0], module.own[1] = None, nn.Tanh()
    module.own.pop()
    assert module.state_dict() == {}
    module.own = [np.ones(2)]
    module.own = None
    module.own = [Tensor([1.0]) * 2.0]
    assert module.state_dict() == {}


def test_a_place_in_a_list_is_remembered_while_it_is_empty():
    module = nn.Module()
    module.own = [np.ones(2)]
    module.own[0] = None
    assert module.state_dict() == {}
    module.own[0] = Tensor([1.0]) * 2.0
    with pytest.raises(errors.GraphError, match=r"'own\.0' is a buffer"):
        module.state_dict()


def test_names_that_begin_alike_are_kept_apart():
    module = nn.Module()
    module.mean, module.mean_square = np.zeros(1), np.zeros(1)
    module.mean = None
    module.mean_square = Tensor([2.0]) * 2.0
    assert module.state_dict()["mean_square"].tolist() == [4]


def test_computed_tensors_in_a_list_are_no_parameters():
    module = nn.Module()
    module.seen = [Tensor([1.0]) * 2.0]
    module.seen.append(Tensor([1.0]) * 3.0)
    module.seen = [Tensor([1.0]) * 4.0]
    assert module.state_dict() == {}


def test_a_list_that_contains_itself_ends():
    model = nn.Module()
    model.own = [Tensor([1.0])]
    model.own += [model.own, {"again": model.own}]
    assert list(model.state_dict()) == ["own.0"]
    assert repr(model) == "Module(own.0 (1,))"
    step = CompiledStep(model, optim.SGD(model.parameters(), 0.1))
    assert step.places == []


# Optimizers


@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam])
def test_optimizer_says_that_its_parameter_has_been_replaced(kind):
    layer = nn.Linear(3, 2, rng=0)
    optimizer = kind(layer.parameters(), 0.1)
    layer.bias = Tensor(np.ones(2))
    np.sum(layer(np.ones((1, 3)))).backward()
    before = layer.weight.data.copy()
    with pytest.raises(errors.GraphError, match=r"parameter 1 \('bias'\) is no longer in the Mod"):
        optimizer.step()
    np.testing.assert_array_equal(layer.weight.data, before)


def test_optimizer_says_that_a_layer_has_been_replaced():
    model = nn.Module()
    model.head = nn.Linear(3, 2, rng=0)
    optimizer = optim.SGD(model.parameters(), 0.1)
    model.head = nn.Linear(3, 2, rng=1)
    with pytest.raises(errors.GraphError, match=r"parameter 0 .* is no longer in the Module"):
        optimizer.step()
    with pytest.raises(errors.GraphError, match=r"parameter 0 .* is no longer in the Module"):
        CompiledStep(model.head, optimizer)(np.ones((2, 3)), [0, 1])


def test_parameters_that_move_within_a_module_or_out_of_it_are_no_fault():
    layer = nn.Linear(3, 3, rng=0)
    layer.own = [Tensor([1.0]), Tensor([2.0])]
    optimizer = optim.SGD(layer.parameters(), 0.1)
    layer.own = layer.own[::-1]
    layer.bias = None
    np.sum(layer(np.ones((1, 3)))).backward()
    optimizer.step()


# Copies


def test_a_shallow_copy_that_changes_does_not_free_the_first():
    module = nn.Module()
    module.mean = np.zeros(2)
    twin = copy.copy(module)
    twin.mean = None
    twin.mean = Tensor([1.0]) * 2.0
    module.mean = Tensor([1.0, 2.0]) * 2.0
    assert module.state_dict()["mean"].tolist() == [2, 4]


# Compiled


def test_a_program_that_would_not_record_an_assigned_buffer_is_refused():
    norm, x = OwnNorm(3), RNG.normal(size=(4, 3))
    with pytest.raises(errors.GraphError, match=r"f assigns the buffer OwnNorm.running_mean"):
        compile(lambda x: norm(x * 2.0), x, gradients=False)
    assert (type(norm.running_mean), norm.batches) == (np.ndarray, 0)
    norm.eval()
    program = compile(lambda x, *_: norm(x * 2.0), x, norm.gamma, gradients=False)
    np.testing.assert_array_equal(program(x, np.ones(3)), norm(x * 2.0).data)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_compiled_step_moves_buffers_that_are_assigned_to_the_bit(dtype):
    class Odd(OwnNorm):
        def __init__(self, features):
            super().__init__(features, dtype)
            self.fixed, self.number = np.zeros(2), np.array(0.0)

        def forward(self, x):
            y = super().forward(x)
            self.fixed, self.number = np.ones(2), 3.0
            return y - self.running_mean * self.number  # what was assigned is a constant

    layers = [(nn.Linear(2, 8, rng=0), Odd(8), nn.Linear(8, 3, rng=1)) for _ in "ab"]
    models = [nn.Sequential(*each) for each in layers]
    one, other = (optim.SGD(m.parameters(), 0.1, 0.9, weight_decay=0.1) for m in models)
    eager, compiled = partial(train.step, models[0], one), CompiledStep(models[1], other)
    for x in RNG.normal(size=(5, 12, 2)):
        assert eager(x, np.arange(12) % 3) == compiled(x, np.arange(12) % 3)
    states = [model.state_dict().items() for model in models]
    for (path, array), (_, again) in zip(*states, strict=True):
        np.testing.assert_array_equal(array, again, err_msg=path, strict=True)
    assert models[1].layers[1].batches == 5


def test_a_part_in_two_places_is_one_parameter_and_can_be_lost_in_either():
    module = nn.Module()
    module.own = [weight := Tensor([1.0]), weight, 3, np.array(3)]
    module.twice = weight
    assert list(module.state_dict()) == ["own.0", "own.3"]
    module.own[3] = 3
    with pytest.raises(errors.GraphError, match=r"'own\.3' is a buffer; with a value of type int"):
        module.state_dict()
    module.own[3], module.own[1] = np.array(3), weight * 2.0
    with pytest.raises(errors.GraphError, match=r"'own\.1' is a parameter"):
        module.state_dict()
