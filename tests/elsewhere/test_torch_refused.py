"""What a PyTorch module has and ours cannot do is refused, with a way out."""

import numpy as np
import pytest

from microbn.errors import ArgumentError, DTypeError, GraphError, ShapeError

torch = pytest.importorskip("torch", reason="PyTorch is not installed: from_torch unchecked")

from torch import nn  # noqa: E402

from microbn.elsewhere import from_torch  # noqa: E402


class Dropped(nn.Module):
    def __init__(self):
        super().__init__()
        self.drop = nn.Dropout(0.5)

    def forward(self, x):
        kept = self.drop(x)
        return torch.fft.fft(kept).real


def test_all_that_has_no_counterpart_is_named_with_its_line():
    with pytest.raises(GraphError, match=r"no counterpart for _fft_r2c.*torch\.fft\.fft\(kept\)"):
        from_torch(Dropped(), torch.randn(3, 2))


@pytest.mark.parametrize(
    ("module", "inputs", "said"),
    [
        (
            nn.Sequential(nn.Dropout(0.5)),
            (3, 2),
            r"native_dropout.*, in 0 .*call module.eval",
        ),
        (nn.MaxPool2d(2, ceil_mode=True), (1, 1, 5, 5), "ceil_mode"),
    ],
    ids=["dropout", "ceil"],
)
def test_arguments_without_a_counterpart_are_refused_with_a_way_out(module, inputs, said):
    function, _ = from_torch(module, torch.randn(inputs))
    with pytest.raises(GraphError, match=said):
        function(np.zeros(inputs, np.float32))


class Branching(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


def test_what_cannot_be_exported_is_said():
    with pytest.raises(GraphError, match=r"torch.export cannot export this Branching: "):
        from_torch(Branching(), torch.randn(3))


def test_half_precision_is_refused():
    with pytest.raises(GraphError, match=r"microbn has no bfloat16; convert .* \.float\(\)"):
        from_torch(nn.Linear(2, 2).bfloat16(), torch.randn(3, 2).bfloat16())


def test_inputs_that_do_not_fit_are_refused():
    module, x = nn.Linear(3, 2), torch.randn(5, 3)
    function, _ = from_torch(module, x)
    with pytest.raises(ShapeError, match=r"input has shape \(4, 3\), and .* exported for \(5, 3\)"):
        function(x[:4])
    with pytest.raises(ArgumentError, match="the module takes input, got 2 inputs"):
        function(x, x)
    with pytest.raises(ArgumentError, match=r"needs a torch.nn.Module, .* got builtin_function"):
        from_torch(torch.relu, x)


def test_an_input_in_half_precision_is_refused():
    function, _ = from_torch(nn.Linear(3, 2), torch.randn(5, 3))
    with pytest.raises(DTypeError, match=r"input is float16; convert it to float32, with astype"):
        function(np.ones((5, 3), np.float16))
    with pytest.raises(GraphError, match="microbn has no float16"):
        function(torch.ones(5, 3).half())
