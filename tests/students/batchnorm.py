"""A batch norm with options in a dict, which it writes into, and a second backward."""

import numpy as np


def batchnorm_forward(x, gamma, beta, bn_param):
    mode, momentum = bn_param["mode"], bn_param.get("momentum", 0.9)
    running_mean = bn_param.get("running_mean", np.zeros(x.shape[1]))
    if mode != "train":
        return gamma * (x - running_mean) + beta, None
    mean = x.mean(axis=0)
    std = np.sqrt(x.var(axis=0) + bn_param.get("eps", 1e-5))
    x_hat = (x - mean) / std
    bn_param["running_mean"] = momentum * running_mean + (1 - momentum) * mean
    return gamma * x_hat + beta, (x_hat, gamma, std)


def batchnorm_backward(dout, cache):
    x_hat, gamma, std = cache
    d = dout * gamma
    dx = (d - d.mean(0) - x_hat * (d * x_hat).mean(0)) / std
    return dx, (dout * x_hat).sum(0), dout.sum(0)


def batchnorm_backward_alt(dout, cache):
    x_hat, gamma, std = cache
    dgamma, dbeta = (dout * x_hat).sum(0), dout.sum(0)
    return gamma / (len(dout) * std) * (len(dout) * dout - dbeta - x_hat * dgamma), dgamma, dbeta


def plain_forward(x, scale=2.0):
    return scale * x, scale


def plain_backward(dout, scale):
    return scale * dout
