"""Stubs as a course hands them out, before the students write anything."""

import numpy as np


def affine_forward(x, w, b):
    out = None
    cache = (x, w, b)
    return out, cache


def affine_backward(dout, cache):
    dx, dw, db = None, None, None
    return dx, dw, db


def relu_forward(x):
    return x * (x > 0), x


def relu_backward(dout, cache):
    pass


def tanh_forward(x):
    return np.tanh(x), x


def tanh_backward(dout, cache):
    raise NotImplementedError


def mul_forward(x, y):
    return x * y, (x, y)


def mul_backward(dout, cache):
    dx, dy = None, None
    dx = dout * cache[1]
    return dx, dy


def empty(x): ...


def nones(x):
    return None, None


class Layer:
    def forward(self, x):
        return 2 * x

    def backward(self, dout):
        pass


class Unwritten:
    def forward(self, x):
        pass

    def backward(self, dout):
        return dout
