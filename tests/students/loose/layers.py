def scale_forward(x, w):
    return x * w, (x, w)


def scale_backward(dout, cache):
    x, w = cache
    return dout * w, (dout * x).sum(0)


def broken_forward(x):
    return x + unknown, None  # noqa: F821


def broken_backward(dout, cache):
    return dout
