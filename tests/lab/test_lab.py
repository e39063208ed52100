"""The lab: a fit that repeats itself, a sweep in order, figures, the claims."""

import functools

import numpy as np
import pytest

from microbn import Tensor, arguments, errors, functional, nn, optim
from microbn.lab import compiled, data, figures, tour, train

sklearn = pytest.importorskip("sklearn", reason="scikit-learn is not installed: lab unchecked")


def fit(seed, **options):
    model = train.mlp([2, 8, 2], seed=seed, norm=nn.BatchNorm)
    optimizer = optim.SGD(model.parameters(), 0.1)
    split = data.spirals(seed, n=200, test=50)
    return train.fit(model, optimizer, split, steps=25, seed=seed, batch_size=16, **options)


def test_same_seed_gives_the_same_numbers():
    assert fit(3) == fit(3)
    assert fit(3).losses != fit(4).losses


def test_loss_falls():
    losses = fit(0).losses
    assert np.mean(losses[-5:]) < 0.9 * np.mean(losses[:5])


def test_fit_that_diverges_goes_on_to_its_end():
    model = train.mlp([2, 8, 2], seed=0, norm=nn.BatchNorm)
    optimizer = optim.SGD(model.parameters(), 1e200)
    history = train.fit(model, optimizer, data.spirals(0, n=200, test=50), steps=20, seed=0)
    assert len(history.losses) == 20
    assert not np.isfinite(history.losses[-1])


OPTIMIZERS = {
    "SGD": lambda parameters: optim.SGD(parameters, 0.5, momentum=0.9),
    "Adam": lambda parameters: optim.Adam(parameters, 1e-2),
}


@pytest.mark.bits
@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
@pytest.mark.parametrize("momentum", [0.1, None])
def test_compiled_step_gives_the_same_numbers_to_the_bit(optimizer, momentum):
    histories, states = [], []
    for as_program in (False, True):
        model = train.mlp([2, 8, 8, 2], seed=0, norm=nn.BatchNorm)
        for layer in model.modules():
            layer.momentum = momentum
        history = train.fit(
            model,
            optimizer(model.parameters()),
            data.spirals(0, n=200, test=50),
            steps=40,
            seed=0,
            compiled=as_program,
        )
        histories.append(history)
        states.append(model.state_dict())
    assert histories[0] == histories[1]
    for path, array in states[0].items():
        np.testing.assert_array_equal(array, states[1][path], strict=True)


def step_of(model, **options):
    optimizer = optim.SGD(model.parameters(), 0.1, **options)
    return compiled.CompiledStep(model, optimizer), optimizer


def test_compiled_step_refuses_what_batch_norm_would_not_track_and_changes_nothing():
    model = train.mlp([2, 8, 2], seed=0, norm=nn.BatchNorm)
    step, optimizer = step_of(model, momentum=0.5)
    x, targets = np.random.default_rng(0).normal(size=(6, 2)), np.array([0, 1, 0, 1, 0, 1])
    step(x, targets)
    before = model.state_dict(), [v.copy() for (v,) in optimizer.state]
    with (
        pytest.raises(errors.NonFiniteError, match="nothing was updated"),
        np.errstate(all="ignore"),
    ):
        step(np.where(x > x.max() - 1e-9, np.nan, x), targets)
    for path, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[0][path])
    for (velocity,), kept in zip(optimizer.state, before[1], strict=True):
        np.testing.assert_array_equal(velocity, kept)


@pytest.mark.bits
def test_compiled_step_follows_a_new_rate_another_batch_and_parameters_set_from_outside():
    x, targets = np.random.default_rng(0).normal(size=(6, 2)), np.array([0, 1, 0, 1, 0, 1])
    models = [train.mlp([2, 8, 2], seed=0, norm=nn.BatchNorm) for _ in range(2)]
    optimizers = [optim.SGD(model.parameters(), 0.1) for model in models]
    eager = functools.partial(train.step, models[0], optimizers[0])
    step = compiled.CompiledStep(models[1], optimizers[1])
    for rate, rows, shift in ((0.1, 6, 0), (0.3, 6, 0), (0.3, 4, 0), (0.3, 6, 0.5)):
        for model, optimizer in zip(models, optimizers, strict=True):
            optimizer.lr = rate
            model.parameters()[0].data += shift
        assert eager(x[:rows], targets[:rows]) == step(x[:rows], targets[:rows])
    assert len(step.programs) == 3


@pytest.mark.bits
def test_compiled_step_follows_a_setting_that_changes_and_buffers_in_a_list():
    class Shifted(nn.Module):
        def __init__(self):
            self.shifts = [np.zeros(2)]
            self.inner = train.mlp([2, 8, 2], seed=0, norm=nn.BatchNorm)

        def forward(self, x):
            return self.inner(x + self.shifts[0])

    x, targets = np.random.default_rng(0).normal(size=(6, 2)), np.array([0, 1, 0, 1, 0, 1])
    models = [Shifted(), Shifted()]
    optimizers = [optim.SGD(model.parameters(), 0.1, momentum=0.9) for model in models]
    eager = functools.partial(train.step, models[0], optimizers[0])
    step = compiled.CompiledStep(models[1], optimizers[1])
    for momentum, shift in ((0.9, 0), (0.5, 0), (0.5, 0.3)):
        for model, optimizer in zip(models, optimizers, strict=True):
            optimizer.momentum = momentum
            model.shifts[0][:] = shift
            model.eval()
        assert eager(x, targets) == step(x, targets)
        assert models[1].training


@pytest.mark.parametrize("label", [-1, 2])
def test_compiled_step_refuses_a_class_that_there_is_not(label):
    step, _ = step_of(train.mlp([2, 8, 2], seed=0, norm=nn.BatchNorm))
    step([[0.0, 1.0], [1.0, 2.0]], [0, 1])
    with pytest.raises(errors.RangeError, match="class number"):
        step([[0.0, 1.0], [1.0, 2.0]], [0, label])


def test_parameters_that_the_optimizer_does_not_have_stay():
    model = train.mlp([2, 8, 2], seed=0, norm=nn.BatchNorm)
    optimizer = optim.SGD(model.parameters()[2:], 0.1)
    first = model.parameters()[0].data.copy()
    step = compiled.CompiledStep(model, optimizer)
    x, targets = np.random.default_rng(0).normal(size=(6, 2)), np.array([0, 1, 0, 1, 0, 1])
    assert step(x, targets) > step(x, targets)
    assert np.array_equal(model.parameters()[0].data, first)


def test_history_says_when_and_how_well():
    history = fit(0, every=10)
    assert len(history.losses) == 25
    assert history.steps == [10, 20, 25]
    made_up = train.History(steps=[10, 20], accuracies=[0.5, 0.9])
    assert (made_up.steps_to(0.9), made_up.steps_to(0.95)) == (20, np.inf)


def test_a_fit_from_the_start_is_tested_before_its_first_step_too():
    later, whole = fit(0, measure=lambda: 1), fit(0, measure=lambda: 1, from_start=True)
    assert whole.steps == [0, *later.steps]
    assert whole.accuracies[1:] == later.accuracies
    assert whole.losses == later.losses
    assert whole.measured == [1] * 4


def test_trained_is_a_net_for_the_data_fitted_by_sgd_and_measured_as_it_learns():
    split = data.spirals(0, n=200, test=50)
    model, history = train.trained(
        split, [8], 0.1, seed=0, norm=nn.BatchNorm, steps=25, batch_size=16, measure=id
    )
    assert history.losses == fit(0).losses
    assert history.measured == [id(model)] * 3
    kinds = [type(layer) for layer in model.layers]
    assert kinds == [nn.Linear, nn.BatchNorm, nn.ReLU, nn.Linear]


def test_mlp_has_batch_norm_between_linear_and_activation():
    kinds = [type(m) for m in train.mlp([4, 3, 3, 2], seed=0, norm=nn.BatchNorm).layers]
    assert kinds == [nn.Linear, nn.BatchNorm, nn.ReLU] * 2 + [nn.Linear]
    kinds = [type(m) for m in train.mlp([4, 3, 2], seed=0).layers]
    assert kinds == [nn.Linear, nn.ReLU, nn.Linear]


def test_missing_package_names_the_extra():
    with pytest.raises(errors.MissingPackageError, match=r"needs nothing.*microbn\[lab\]"):
        arguments.need_package("nothing.at_all", "lab", "this test")


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (lambda: train.mlp([3], seed=0, norm=nn.BatchNorm), r"got \[3\]"),
        (lambda: fit(0, every=0), "fit: every must be a positive integer, got 0"),
        (lambda: tour.tour(None, 0, False), "seeds must be a positive integer, got 0"),
        (lambda: tour.tour(None, "a", False), "seeds must be a positive integer, got 'a'"),
        (lambda: tour.batch_norm_on_digits(None, 2.5, 2), "samples must be a positive integer"),
    ],
)
def test_faults_name_the_facts(fault, message):
    with pytest.raises(errors.ArgumentError, match=message):
        fault()


@pytest.fixture(scope="module")
def results():
    return tour.train_both(range(3), steps=300)


def test_batch_norm_trains_in_two_thirds_of_the_steps(results):
    with_it, without = (
        results.median("steps to 90%", learning_rate=0.1, net=f"{word} batch norm")
        for word in ("with", "without")
    )
    assert with_it <= 2 / 3 * without


def test_batch_norm_trains_at_a_rate_at_which_the_plain_net_does_not(results):
    with_it, without = (
        results.median("final test accuracy", learning_rate=1.0, net=f"{word} batch norm")
        for word in ("with", "without")
    )
    assert with_it >= 0.92
    assert without <= 0.30


def test_comparison_is_a_picture_for_a_projector(results, tmp_path):
    path = figures.save(tour.comparison_figure(results), tmp_path / "comparison.png")
    header = path.read_bytes()[:24]
    assert [int.from_bytes(header[i : i + 4]) for i in (16, 20)] == [1280, 720]


def test_emergent_gradient_agrees_with_three_others_on_digits():
    y = tour.batch_norm_on_digits(data.digits(0), samples=32, features=8)
    rows = tour.agreement(y, tour.cotangent(y))
    assert len(rows) == 10
    for row in rows:
        assert row["staged"] <= 1e-12
        assert row["one_line"] is None or row["one_line"] <= 1e-12
        assert row["numeric"] <= 1e-8


@pytest.mark.bits
@pytest.mark.parametrize("as_program", [False, True])
def test_measuring_changes_nothing_of_a_fit(as_program):
    histories, states = [], []
    for measures in (False, True):
        model = train.mlp([2, 8, 2], seed=0, norm=nn.BatchNorm)
        split = data.spirals(0, n=200, test=50)

        def moved(model=model, split=split):
            assert not model.training
            before = model.layers[1].running_mean.copy()
            train.received(model.train(), nn.ReLU, split.x_train)
            assert not np.array_equal(model.layers[1].running_mean, before)
            return before.tolist()

        options = {"compiled": as_program, "measure": moved if measures else None}
        optimizer = optim.SGD(model.parameters(), 0.1)
        histories.append(train.fit(model, optimizer, split, steps=25, seed=0, **options))
        states.append(model.state_dict())
        assert not model.training
    assert histories[0].accuracies == histories[1].accuracies
    assert histories[0].losses == histories[1].losses
    assert len({*map(tuple, histories[1].measured)}) == 3
    for path, array in states[0].items():
        np.testing.assert_array_equal(array, states[1][path])


@pytest.mark.bits
def test_received_is_what_each_layer_of_a_kind_is_given():
    model = train.mlp([2, 8, 8, 2], seed=0, norm=nn.BatchNorm).eval()
    x = np.random.default_rng(0).normal(size=(5, 2))
    first, second = train.received(model, nn.ReLU, x)
    np.testing.assert_array_equal(first, model.layers[1](model.layers[0](x)).data)
    inner = nn.Sequential(*model.layers[2:5])
    np.testing.assert_array_equal(second, inner(first).data)


def loss_from(model, first, x, targets):
    """Return the loss of what the layers from ``first`` on make of x."""
    return functional.cross_entropy(nn.Sequential(*model.layers[first:])(x), targets).item()


INSIDE = {"plain": None, "batch norm": nn.BatchNorm}


@pytest.mark.parametrize("norm", INSIDE.values(), ids=INSIDE)
def test_a_layer_passes_on_its_output_and_the_gradient_of_the_loss_there(norm):
    rng, targets = np.random.default_rng(0), np.arange(6) % 2
    model = train.mlp([3, 4, 5, 2], seed=0, norm=norm, activation=nn.Sigmoid)
    x = rng.normal(size=(6, 3))
    places = [i for i, layer in enumerate(model.layers) if isinstance(layer, nn.Sigmoid)]
    outputs, gradients = train.passed_on(model, nn.Sigmoid, x, targets)
    assert model.training
    assert [output.shape for output in outputs] == [(6, 4), (6, 5)]
    for place, output, gradient in zip(places, outputs, gradients, strict=True):
        np.testing.assert_array_equal(output, nn.Sequential(*model.layers[: place + 1])(x).data)
        way = rng.normal(size=output.shape)
        up, down = (
            loss_from(model, place + 1, Tensor(output + h * way), targets) for h in (1e-5, -1e-5)
        )
        assert np.sum(gradient * way) == pytest.approx((up - down) / 2e-5, rel=1e-6)


@pytest.mark.parametrize("norm", INSIDE.values(), ids=INSIDE)
def test_weights_come_with_their_gradients_from_the_first_layer_to_the_last(norm):
    rng, targets = np.random.default_rng(0), np.arange(6) % 2
    model = train.mlp([3, 4, 5, 2], seed=0, norm=norm, activation=nn.Sigmoid)
    x = rng.normal(size=(6, 3))
    pairs = train.weights_and_gradients(model, x, targets)
    assert model.training
    assert [weight.shape for weight, _ in pairs] == [(3, 4), (4, 5), (5, 2)]
    linear = [layer for layer in model.layers if isinstance(layer, nn.Linear)]
    for layer, (weight, gradient) in zip(linear, pairs, strict=True):
        way, losses = rng.normal(size=weight.shape), []
        for h in (1e-5, -1e-5):
            layer.weight.data = weight + h * way
            losses.append(loss_from(model, 0, x, targets))
        layer.weight.data = weight
        slope = (losses[0] - losses[1]) / 2e-5
        assert np.sum(gradient * way) == pytest.approx(slope, rel=1e-6)


class Changing(nn.Module):
    """A net of which anything may be set between two steps."""

    def __init__(self):
        self.first, self.norm = nn.Linear(2, 4, rng=0), nn.BatchNorm(4)
        self.activation, self.scales, self.frozen = np.tanh, [1.0], Tensor([1.0, 1.0])
        self.sub, self.last = nn.ReLU(), nn.Linear(4, 2, rng=1)

    def forward(self, x):
        hidden = self.sub(self.activation(self.norm(self.first(x * self.frozen))))
        return self.last(hidden) * self.scales[0]


CHANGES = {
    "a function": lambda m: setattr(m, "activation", np.exp),
    "a number in a list": lambda m: m.scales.__setitem__(0, 3.0),
    "NumPy's number": lambda m: setattr(m, "scales", [np.float32(3)]),
    "a layer": lambda m: setattr(m, "sub", nn.Sigmoid()),
    "a frozen parameter": lambda m: setattr(m, "frozen", Tensor([5.0, 5.0])),
    "statistics": lambda m: setattr(m.norm, "running_mean", np.ones(4)),
    "a layer's option": lambda m: setattr(m.norm, "eps", 0.5),
}


@pytest.mark.bits
@pytest.mark.parametrize("change", CHANGES)
def test_a_compiled_step_sees_what_is_changed_between_steps(change):
    x, targets = np.random.default_rng(0).normal(size=(3, 8, 2)), np.arange(8) % 2
    models = [Changing(), Changing()]
    eager, other = (
        optim.Adam([*m.first.parameters(), *m.norm.parameters(), *m.last.parameters()], 0.1)
        for m in models
    )
    step = compiled.CompiledStep(models[1], other)
    for batch in x:
        assert train.step(models[0], eager, batch, targets) == step(batch, targets)
        for model in models:
            CHANGES[change](model)
    for mine, theirs in zip(*(m.state_dict().values() for m in models), strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.bits
@pytest.mark.parametrize("kind", [optim.SGD, optim.Adam])
def test_a_parameter_on_which_the_loss_does_not_depend_stays_in_a_compiled_step(kind):
    class Unused(nn.Module):
        def __init__(self):
            self.used, self.unused = nn.Linear(2, 2, rng=0), nn.Linear(2, 2, rng=1)

        def forward(self, x):
            return self.used(x)

    x, models = np.random.default_rng(0).normal(size=(8, 2)), [Unused(), Unused()]
    eager, other = (kind(m.parameters(), 0.1, weight_decay=0.1) for m in models)
    step = compiled.CompiledStep(models[1], other)
    for _ in range(3):
        assert train.step(models[0], eager, x, np.arange(8) % 2) == step(x, np.arange(8) % 2)
    for mine, theirs in zip(*(m.state_dict().values() for m in models), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    for mine, theirs in zip(eager.state, other.state, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(mine, theirs, strict=True))
