"""A batch norm by hand that goes back by stages, and what a check says of its mistakes."""

from inspect import getsource
from textwrap import dedent

import numpy as np

from microbn.testing import HandWritten, gradcheck

RNG = np.random.default_rng(0)
X, GAMMA, BETA = RNG.normal(size=(8, 3)), RNG.normal(size=3), RNG.normal(size=3)


def forward(x, gamma, beta):
    mu = x.mean(axis=0)
    xmu = x - mu
    sq = xmu**2
    var = sq.mean(axis=0)
    sqrtvar = np.sqrt(var + 1e-5)
    ivar = 1.0 / sqrtvar
    xhat = xmu * ivar
    gammax = gamma * xhat
    out = gammax + beta
    return out, (gamma, xhat, xmu, ivar, sqrtvar)


def backward(dout, cache):
    gamma, xhat, xmu, ivar, sqrtvar = cache
    n = len(dout)
    dbeta = dout.sum(0)
    dgammax = 1.0 * dout
    dgamma = (dgammax * xhat).sum(0)
    dxhat = gamma * dgammax
    divar = (dxhat * xmu).sum(0)
    dxmu1 = dxhat * ivar
    dsqrtvar = -divar / sqrtvar**2
    dvar = 0.5 * dsqrtvar / sqrtvar
    dsq = np.ones_like(dout) * dvar / n
    dxmu2 = 2 * xmu * dsq
    dxmu = dxmu1 + dxmu2
    dmu = -dxmu.sum(0)
    dx = dxmu + dmu / n
    return dx, dgamma, dbeta


def with_mistake(line, wrong, of=backward, **more):
    """Return the function with a line of it exchanged."""
    source = dedent(getsource(of))
    assert source.count(line) == 1
    space = {"np": np, **more}
    exec(compile(source.replace(line, wrong), "mistaken.py", "exec"), space)
    return space[of.__name__]


def check(backward=backward, forward=forward, inputs=(X, GAMMA, BETA), seed=0):
    return gradcheck(HandWritten(forward, backward), *inputs, stages=True, seed=seed)


def wrong(report):
    return [stage.name for stage in report.stages if not stage.ok]


def first(report):
    """Return the sentence on the first wrong stage."""
    return next(stage.sentence for stage in report.stages if not stage.ok)


def one_line(dy, cache):
    gamma, xhat, _, ivar, _ = cache
    dx = gamma * ivar * (dy - dy.mean(0) - xhat * (dy * xhat).mean(0))
    return dx, (dy * xhat).sum(0), dy.sum(0)


def given_back(dout, cache):
    gamma, _, _, ivar, _ = cache
    stages = {"d_x_hat": gamma * dout, "dσ²": 0 * ivar}
    return *one_line(dout, cache), stages
