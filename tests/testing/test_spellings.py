"""The names that people write for a gradient and for a value."""

import pytest

from microbn.testing.checker.spellings import SYNONYMS, bare, one_word, values_meant


@pytest.mark.parametrize(
    "name", ["dxhat", "d_xhat", "d_x_hat", "dx_hat", "dx̂", "dXhat", "grad_x_hat", "∂x̂", "xhat_grad"]
)
def test_every_spelling_of_the_gradient_of_x_hat_means_x_hat(name):
    assert "xhat" in values_meant(name)


@pytest.mark.parametrize(
    "name", ["dvar", "d_var", "dσ²", "dsigma2", "d_sigma_2", "dsample_var", "dL_dvar", "dbnvar"]
)
def test_every_spelling_of_the_gradient_of_the_variance_means_it(name):
    assert "var" in map(one_word, values_meant(name))


@pytest.mark.parametrize(
    ("names", "word"),
    [
        ("mu μ µ mean sample_mean batch_mean bnmeani", "mean"),
        ("xmu x_mu centered x_centered xc diff bndiff", "centered"),
        ("ivar inv_var inv_std invstd rstd bnvar_inv", "ivar"),
        ("std σ sigma sqrtvar", "std"),
        ("x_hat x̂ xhat x_norm bnraw params.xhat", "xhat"),
        ("γ gamma bngain", "gamma"),
        ("β beta bnbias", "beta"),
        ("sq square bndiff2", "square"),
    ],
)
def test_synonyms_are_one_word(names, word):
    assert {one_word(bare(name)) for name in names.split()} == {word}


def test_values_that_differ_have_words_that_differ():
    firsts = [line.split()[0] for line in SYNONYMS.strip().split("\n")]
    assert [one_word(name) for name in firsts] == firsts
    assert len({*firsts}) == len(firsts)
    words = SYNONYMS.split()
    assert len({*words}) == len(words)


@pytest.mark.parametrize("name", ["d", "x", "mean", "N", ""])
def test_what_is_no_name_of_a_gradient_means_no_value(name):
    assert [*values_meant(name)] == []
