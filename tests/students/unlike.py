"""Errors that have nothing to do with the kind of an input."""


def zero(x, y):
    return x * (1 / 0)


def none(x, y):
    return x + None


def key(x, y):
    return {}["scale"] * x


def index(x, y):
    return x[17]


def axis(x, y):
    return x.sum(axis=5)


def too_many(x, y):
    return x[0, 0, 0, 0]


def misspelled(x, y):
    return x.rehsape(-1)


def sorts(x, y):
    return x.sort()


def half(x, y):
    return x[: len(x) / 2]


def adds(x, y):
    return x + y
