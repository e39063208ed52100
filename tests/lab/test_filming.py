"""Filming a training trains as `fit` does, and says where it went wrong."""

import numpy as np
import pytest

from microbn import lab, nn, optim
from microbn.errors import ArgumentError, GraphError, NonFiniteError
from microbn.lab.data import spirals
from microbn.lab.train import fit, mlp

DATA = spirals(0, n=60, test=20)


def filmed(model, rate=0.3, **options):
    return lab.film(model, optim.SGD(model.parameters(), rate), DATA, batch_size=10, **options)


def test_a_film_trains_as_fit_does():
    nets = [mlp([2, 4, 2], seed=0, norm=nn.BatchNorm) for _ in range(2)]
    film = filmed(nets[0], steps=7, seed=3)
    history = fit(
        nets[1], optim.SGD(nets[1].parameters(), 0.3), DATA, steps=7, seed=3, batch_size=10
    )
    assert film.losses == history.losses
    states = [net.state_dict() for net in nets]
    for path, array in states[0].items():
        np.testing.assert_array_equal(array, states[1][path])
    assert not nets[0].training


class Branching(nn.Module):
    """Computes another function from its third call in training on."""

    def __init__(self):
        self.inner, self.calls = nn.Linear(2, 2, rng=0), np.zeros(1)

    def forward(self, x):
        self.calls += self.training
        return np.tanh(self.inner(x)) if self.calls[0] < 3 else np.abs(self.inner(x))


def test_a_model_that_branches_is_an_error_that_says_at_which_step_and_how():
    with pytest.raises(GraphError, match=r"step 2, in training.* = absolute\(.* = tanh\("):
        filmed(Branching(), steps=5)


def test_a_divergence_names_the_line_and_the_training_step():
    with pytest.raises(NonFiniteError) as raised:
        filmed(mlp([2, 4, 2], seed=0, norm=nn.BatchNorm), rate=1e200, steps=9)
    (note,) = raised.value.__notes__
    assert "training step 1; film(..., steps=1) shows those before" in note


def test_a_film_takes_one_step_at_least():
    with pytest.raises(ArgumentError, match="film: steps"):
        filmed(mlp([2, 4, 2], seed=0), steps=0)


def test_the_lab_says_what_it_lacks():
    with pytest.raises(AttributeError, match="has no attribute 'movie'"):
        _ = lab.movie
