"""Programs that run in the page and here, and have to leave the same numbers as ``value``."""

START = """
import numpy as np
import microbn as mb
from microbn import Tensor, closed_form, functional, grad, nn, optim

rng = np.random.default_rng(0)

def listed(*arrays):
    return [np.asarray(getattr(one, "data", one), dtype=float).tolist() for one in arrays]
"""

PROGRAMS = {
    "batch norm, forward and backward": """
x = Tensor(rng.normal(3.0, 2.0, (16, 5)), "x")
gamma, beta = Tensor(rng.normal(size=5), "gamma"), Tensor(rng.normal(size=5), "beta")
y = functional.batch_norm(x, gamma, beta)
y.backward(rng.normal(size=y.shape))
value = listed(y, x.grad, gamma.grad, beta.grad)
""",
    "the second derivative of batch norm": """
x = Tensor(rng.normal(size=(8, 3)), "x")
gamma, beta = Tensor(rng.normal(size=3), "gamma"), Tensor(rng.normal(size=3), "beta")
y = functional.batch_norm(x, gamma, beta)
first = grad((y * rng.normal(size=y.shape)).sum(), [x, gamma], create_graph=True)
loss = sum((one * rng.normal(size=one.shape)).sum() for one in first)
value = listed(*first, *grad(loss, [x, gamma]))
""",
    "batch norm of images, in training and afterwards": """
layer = nn.BatchNorm(3)
before = layer(rng.normal(1.0, 2.0, (4, 3, 5, 5)))
layer.eval()
value = listed(before, layer(rng.normal(size=(2, 3, 5, 5))), layer.running_mean, layer.running_var)
""",
    "an MLP that is trained": """
model = nn.Sequential(
    nn.Linear(6, 8, bias=False, rng=rng), nn.BatchNorm(8), nn.Tanh(), nn.Linear(8, 3, rng=rng)
)
steps = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
x, labels, value = rng.normal(size=(20, 6)), rng.integers(0, 3, 20), []
for _ in range(5):
    loss = functional.cross_entropy(model(x), labels)
    model.zero_grad()
    loss.backward()
    steps.step()
    value += listed(loss, *(p.grad for p in model.parameters()))
value += listed(*model.state_dict().values())
""",
    "a Jacobian and a Hessian": """
x = Tensor(rng.normal(size=4), "x")
value = listed(
    mb.jacobian(lambda x: np.tanh(x) * x.sum(), x), mb.hessian(lambda x: np.exp(x.sum() / 5), x)
)
""",
    "rules and compositions": """
value = []
functions = [np.exp, np.log, np.tanh, np.sqrt, np.sin, np.var, np.linalg.norm, np.cumsum, np.median]
for function in functions:
    x = Tensor(rng.uniform(0.5, 2.0, (5, 7)), "x")
    y = function(x)
    y.backward(rng.normal(size=y.shape))
    value += listed(y, x.grad)
""",
    "a compiled program": """
x = Tensor(rng.normal(size=(8, 3)), "x")
gamma, beta = Tensor(rng.normal(size=3), "gamma"), Tensor(rng.normal(size=3), "beta")
cotangent = rng.normal(size=x.shape)
program = mb.compile(functional.batch_norm, x, gamma, beta, cotangent=cotangent)
y, gradients = program(x, gamma, beta, cotangent)
value = listed(y, *gradients)
""",
}
FLOAT32 = """
x = Tensor(rng.normal(3.0, 2.0, (16, 5)).astype(np.float32), "x")
gamma, beta = (Tensor(rng.normal(size=5).astype(np.float32), name) for name in ("gamma", "beta"))
y = functional.batch_norm(x, gamma, beta)
y.backward(rng.normal(size=y.shape).astype(np.float32))
assert {str(one.dtype) for one in (y.data, x.grad, gamma.grad)} == {"float32"}
value = listed(y, x.grad, gamma.grad, beta.grad)
"""
