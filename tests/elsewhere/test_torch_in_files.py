"""A PyTorch module that stands in a file, as the commands take it."""

import sys
from pathlib import Path

import pytest

import microbn as mb
from microbn.cli.commands import main

pytest.importorskip("torch", reason="PyTorch is not installed: from_torch unchecked")


THEIR_NET = Path(__file__).parents[2] / "docs" / "learn" / "libraries" / "their_net.py"


@pytest.mark.parametrize("command", ["step", "check"])
def test_commands_take_a_module_of_a_file(command, capsys):
    status = main([command, f"{THEIR_NET}:model", *["--all"][: command == "step"]])
    said = capsys.readouterr().out
    assert status == 0
    assert ("hidden = relu(" if command == "step" else "all 69 slopes agree") in said


def test_lines_are_told_in_a_folder_called_torch_and_never_those_of_the_command(tmp_path, capsys):
    file = tmp_path / "torch" / "their_net.py"
    file.parent.mkdir()
    file.write_text(THEIR_NET.read_text())
    assert main(["step", f"{file}:model", "--all"]) == 0
    said = capsys.readouterr().out
    assert "their_net.py:17" in said
    assert "hidden = relu(" in said
    assert "targets.py" not in said  # of the layers in a row, for which there is no line


def test_a_module_of_a_file_without_inputs_is_refused(tmp_path, capsys):
    file = tmp_path / "net.py"
    file.write_text("import torch\nmodel = torch.nn.Linear(3, 2)\n")
    assert main(["step", f"{file}:model"]) == 2
    assert "example_inputs = (torch.randn(5, 3),)" in capsys.readouterr().err


CLASS = (
    "import torch\n"
    "class Net(torch.nn.Linear):\n"
    "    def __init__(self, width):\n"
    "        super().__init__(width, 2)\n"
)


@pytest.mark.parametrize(
    ("code", "name", "said"),
    [
        (CLASS, "Net", r"Net is a class; write model = Net(width) and example_inputs = "),
        (
            CLASS + "model, example_inputs = Net(3), torch.randn(5, 3)\n",
            "model",
            "example_inputs is a tensor; write a tuple: example_inputs = (torch.randn(...),)",
        ),
    ],
    ids=["class", "tensor"],
)
def test_a_class_and_a_tensor_in_a_file_are_refused_with_a_way_out(
    code, name, said, tmp_path, capsys
):
    file = tmp_path / "net.py"
    file.write_text(code)
    assert main(["step", f"{file}:{name}", "5x3"[: 3 * (name == "Net")] or "--all"]) == 2
    assert said in capsys.readouterr().err


def test_check_covers_the_parameters_and_tokens_are_constants(tmp_path, capsys, monkeypatch):
    from microbn.elsewhere import aten

    file = tmp_path / "net.py"
    file.write_text(
        "import torch\n"
        "from torch import nn\n"
        "class Net(nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.table, self.head = nn.Embedding(5, 3), nn.Linear(3, 5)\n"
        "        self.head.weight = self.table.weight\n"
        "    def forward(self, tokens):\n"
        "        return self.head(self.table(tokens))\n"
        "model, example_inputs = Net(), (torch.tensor([1, 2, 1]),)\n"
    )
    assert main(["check", f"{file}:model"]) == 0
    said = capsys.readouterr().out
    assert "all 20 slopes agree" in said  # the weight is shared
    assert "'tokens' (int64) is a constant" in said
    wrong = lambda x, weight, bias: x @ weight.T + mb.functional.stop_gradient(bias)  # noqa: E731
    monkeypatch.setitem(aten.ATEN, "linear", wrong)
    assert main(["check", f"{file}:model"]) == 1


def test_weights_are_drawn_from_the_seed_also_in_a_file_that_is_imported(tmp_path, capsys):
    (tmp_path / "seeded_net.py").write_text(
        "import torch\nmodel, example_inputs = torch.nn.Linear(3, 2), (torch.randn(5, 3),)\n"
    )
    file = tmp_path / "net.py"
    file.write_text("from seeded_net import example_inputs, model\n")

    def told(*seed):
        sys.modules.pop("seeded_net", None)
        assert main(["step", f"{file}:model", "--all", *seed]) == 0
        return capsys.readouterr().out.partition("\n")[2]

    assert told() == told("--seed", "0") != told("--seed", "1")


def test_a_branch_by_values_is_one_sentence_with_its_line(tmp_path, capfd):
    file = tmp_path / "net.py"
    file.write_text(
        "import torch\n"
        "class Net(torch.nn.Module):\n"
        "    def forward(self, x):\n"
        "        if x.sum() > 0:\n"
        "            return x\n"
        "        return -x\n"
        "model, example_inputs = Net(), (torch.ones(3),)\n"
    )
    assert main(["step", f"{file}:model", "--all"]) == 2
    said = capfd.readouterr().err
    assert said.count("\n") == 1
    assert "write torch.where" in said
    assert "(net.py:4: if x.sum() > 0:)" in said


def test_a_file_may_name_its_inputs(tmp_path, capsys):
    file = tmp_path / "net.py"
    file.write_text(
        "import torch\n"
        "class Net(torch.nn.Module):\n"
        "    def forward(self, x, scale=None, twice=False):\n"
        "        return x * scale * (2 if twice else 1)\n"
        "model = Net()\n"
        "example_inputs = {'x': torch.ones(3), 'scale': torch.ones(3), 'twice': True}\n"
    )
    assert main(["step", f"{file}:model", "--all"]) == 0
    assert "scale" in capsys.readouterr().out
