import numpy as np

import microbn as mb
from microbn.elsewhere import from_torch
from their_net import example_inputs, model

function, leaves = from_torch(model, *example_inputs)
y = function(*example_inputs)
dy = np.random.default_rng(0).normal(size=y.shape)
y.backward(dy)
print(leaves["1.norm.weight"].grad)
print(mb.story(y, dy)[-1])
