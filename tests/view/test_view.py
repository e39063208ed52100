"""Snapshots and drawings are complete, in order, and harmless whatever the names are."""

import shutil
import subprocess
import xml.etree.ElementTree as ET

import numpy as np
import pytest

import microbn as mb
from microbn import Tensor, errors, nn
from microbn import functional as F
from microbn.view import dot, snapshot


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def batch_norm():
    leaves = Tensor(normal(4, 2), "x"), Tensor(normal(2), "gamma"), Tensor(normal(2), "beta")
    return F.batch_norm(*leaves)


def test_snapshot_holds_every_node_in_order_of_creation():
    graph = snapshot(batch_norm())
    assert [n.name or n.function or n.role for n in graph.nodes] == [
        *("x", "gamma", "beta", "mean", "centered", "square", "var"),
        *("constant", "add", "std", "x_hat", "scaled", "y"),
    ]
    assert {n.role for n in graph.nodes} == {"input", "constant", "computed", "result"}


def test_snapshot_has_an_edge_for_every_operand_position():
    x = Tensor(3.0)
    edges = snapshot(x * x).edges
    assert [(e.source, e.target, e.position) for e in edges] == [("n0", "n1", 0), ("n0", "n1", 1)]
    joined = snapshot(np.stack([x, np.ones(()), x]))
    assert [e.position for e in joined.edges] == [0, 1, 2]


def test_snapshot_of_100_000_nodes_does_not_recurse():
    node = Tensor(1.0)
    for _ in range(100_000):
        node = -node
    assert len(snapshot(node).nodes) == 100_001


def test_drawing_shows_name_shape_value_and_gradient():
    x = Tensor([[1.0, -2.0]], name="gamma")
    source = mb.draw((x * 3.0).sum()).source.replace("\N{NO-BREAK SPACE}", " ")
    assert r"γ   (1, 2)\lvalue" in source
    assert r" 1  -2 │ 3  3\l" in source


def test_gradient_that_does_not_flow_is_a_dash_and_not_a_zero():
    x = Tensor([1.0, -2.0])
    source = mb.draw(((x > 0) * x).sum()).source
    assert "–" in source
    assert "gradient" not in mb.draw(x * 2.0, grads=False).source
    assert "value" not in mb.draw(x * 2.0, grads=False, values=False).source


def test_large_array_is_told_by_mean_and_range():
    source = mb.draw(Tensor(np.arange(100.0)) * 1.0, grads=False).source
    source = source.replace("\N{NO-BREAK SPACE}", " ")
    assert "mean 49.5" in source
    assert "0 … 99" in source


def test_numbers_of_all_sizes_are_told_apart():
    source = mb.draw(Tensor([0.004, 500.0]) * 1.0, grads=False).source
    assert "0.004" in source
    assert "500" in source


def test_replaced_leaf_is_drawn_with_the_value_that_was_seen():
    p = Tensor([1.0, 2.0], name="p")
    y = (p * 3.0).sum()
    p.data = [7.0, 7.0]
    assert snapshot(y).nodes[0].value.tolist() == [1, 2]


def test_infinities_are_drawn():
    assert "inf" in mb.draw(Tensor(np.full(20, np.inf)) * 1.0, grads=False).source


def test_direction_is_one_of_two():
    assert "rankdir=TB" in mb.draw(Tensor(1.0) * 2.0, direction="TB").source
    with pytest.raises(errors.ArgumentError, match="'LR' or 'TB', not 'up'"):
        mb.draw(Tensor(1.0) * 2.0, direction="up")


def test_only_tensors_are_drawn():
    with pytest.raises(errors.DTypeError, match="starts from a Tensor, not from ndarray"):
        mb.draw(np.ones(3))
    with pytest.raises(
        errors.DTypeError, match="only a Tensor has a graph to look at, not ndarray"
    ):
        mb.draw(np.ones(3), grads=False)


def test_drawing_touches_no_grad():
    x = Tensor(2.0)
    mb.draw(x * x)
    assert x.grad is None


@pytest.mark.parametrize(
    ("name", "written", "shown"),
    [
        ("<lambda>", "<lambda>", "<lambda>"),  # DOT reads it as HTML unless it is in quotes
        ("a:b", "a:b", "a:b"),
        ('quo"te', r"quo\"te", 'quo"te'),
        (
            r"back\lslash",
            r"back\\lslash",
            r"back\lslash",
        ),  # in DOT, \l ends a line and \N is the id
        (r"\N", r"\\N", r"\N"),
        ("new\nline", "new line", "new line"),
        ("{|}", "{|}", "{|}"),
        ("&lt;", "&amp;lt;", "&lt;"),  # Graphviz reads entities
    ],
)
def test_hostile_names_of_values_and_groups_are_shown_as_text(name, written, shown):
    with mb.scope(name):
        drawing = mb.draw(Tensor(1.0, name) * Tensor(2.0, name))
    source = drawing.source.replace("\N{NO-BREAK SPACE}", " ")
    assert source.count(f'label="{written}" ') == 1
    assert source.count(f'label="{written}   ()\\l') == 2
    if dot.renderers():
        texts = [" ".join(text.split()) for text in ET.fromstring(drawing.svg()).itertext()]
        assert texts.count(shown) == 1
        assert texts.count(f"{shown} ()") == 2


@pytest.mark.parametrize("suffix", ["svg", "png", "pdf"])
def test_picture_is_written_in_the_format_of_its_suffix(suffix, tmp_path, monkeypatch):
    commands = dot.renderers(suffix)
    if not commands:
        pytest.skip("neither dot nor pygraphviz is installed: pictures unchecked")
    for command in commands:
        monkeypatch.setattr(dot, "renderers", lambda format="svg", command=command: [command])
        path = mb.draw(batch_norm(), normal(4, 2, seed=1)).save(tmp_path / f"bn.{suffix}")
        start = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}[suffix]
        assert path.read_bytes().startswith(start)


def test_png_has_pixels_enough_for_a_projector():
    if not dot.renderers():
        pytest.skip("neither dot nor pygraphviz is installed: pictures unchecked")
    drawing = mb.draw(Tensor(1.0, "x") * 2.0)
    points = float(ET.fromstring(drawing.svg()).get("width").removesuffix("pt"))
    for command in dot.renderers("png"):
        png = subprocess.run(command, input=drawing.source.encode(), capture_output=True).stdout
        width = int.from_bytes(png[16:20])
        assert width == pytest.approx(points / 72 * 150, abs=3)


def test_other_formats_are_refused(tmp_path):
    with pytest.raises(
        errors.ArgumentError, match="'gif' is not a format; use one of svg, png, pdf"
    ):
        mb.draw(Tensor(1.0) * 2.0).save(tmp_path / "bn.gif")
    assert not list(tmp_path.iterdir())


def test_without_graphviz_the_error_names_both_remedies_and_the_notebook_shows_text(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(dot, "find_spec", lambda name: None)
    drawing = mb.draw(Tensor(1.0) * 2.0)
    with pytest.raises(errors.MissingPackageError, match=r"microbn\[lab\].*graphviz package"):
        drawing.svg()
    assert "<pre>drawing needs Graphviz" in drawing._repr_html_()


def test_notebook_shows_the_picture_and_survives_a_failing_renderer(monkeypatch):
    drawing = mb.draw(Tensor(1.0, name="<b>") * 2.0)
    if dot.renderers():
        assert "<svg" in drawing._repr_html_()

    monkeypatch.setattr(dot, "renderers", lambda format="svg": [["false"]])
    with pytest.raises(errors.RenderError, match="Graphviz failed"):
        drawing.svg()
    assert "Graphviz failed" in drawing._repr_html_()
    assert "<b>" not in drawing._repr_html_()


def test_next_renderer_takes_over_from_one_that_fails(monkeypatch):
    monkeypatch.setattr(dot, "renderers", lambda format="svg": [["false"], ["cat"]])
    drawing = mb.draw(Tensor(1.0) * 2.0)
    assert drawing.svg() == drawing.source


def test_static_arguments_are_not_drawn_as_operands():
    x = Tensor(np.ones((2, 3)))
    picked = x[:, np.argmax(x, axis=1)][0, 1]
    names = [n.function or n.role for n in snapshot(picked).nodes]
    assert names == ["input", "argmax", "getitem", "getitem"]
    assert [e.position for e in snapshot(np.where(x > 0, x, 2.0)).edges[1:]] == [0, 1, 2]


def test_operands_are_numbered_where_they_cannot_trade_places():
    x = Tensor(1.0)
    assert "label=2" in mb.draw(x - 1.0).source
    assert "label=2" not in mb.draw(x + 1.0).source


def deep_net():
    """Return two blocks of two layers, and a loss outside: groups in groups."""
    blocks = []
    for i in range(2):
        block = nn.Sequential(nn.Linear(3, 3, rng=i), nn.Tanh())
        block.name = f"block{i}"
        blocks.append(block)
    x = Tensor(np.ones((2, 3)), "x")
    return blocks[1](blocks[0](x)).sum()


def groups(graph):
    return [".".join(path) for path in graph.groups()]


def test_modules_and_scopes_make_groups_in_groups():
    found = groups(snapshot(deep_net()))
    assert sorted(found) == [
        *("block0", "block0.layers.0", "block0.layers.1"),
        *("block1", "block1.layers.0", "block1.layers.1"),
    ]
    assert found.index("block1") < found.index("block1.layers.0")


def test_parameter_stands_in_the_group_that_uses_it_first():
    layer = nn.Linear(2, 2, rng=0)
    layer.name = "linear"
    nodes = snapshot((layer(np.ones((1, 2))) + layer(np.ones((1, 2)))).sum()).nodes
    homes = {node.name: node.scope for node in nodes if node.role == "parameter"}
    assert homes == {"weight": ("linear",), "bias": ("linear",)}
    with mb.scope("outside"):
        tied = layer(np.ones((1, 2))) @ layer.weight
    homes = {n.name: n.scope for n in snapshot(tied).nodes if n.role == "parameter"}
    assert homes == {"weight": ("outside", "linear"), "bias": ("outside", "linear")}


def test_input_stands_outside_of_the_group_that_uses_it():
    assert [n.scope for n in snapshot(deep_net()).nodes if n.role == "input"] == [()]


@pytest.mark.parametrize(
    ("options", "left"),
    [
        ({"depth": 0}, ["x", "block0", "block1", "sum"]),
        ({"collapse": ["block1"], "depth": 1}, ["layers.0", "x", "layers.1", "block1", "sum"]),
        ({"collapse": ["block0", "block1"]}, ["block0", "x", "block1", "sum"]),
    ],
)
def test_closed_groups_are_one_box(options, left):
    graph = snapshot(deep_net()).folded(**options)
    assert sorted(node.name or node.function for node in graph.nodes) == sorted(left)
    ids = {node.id for node in graph.nodes}
    assert all({edge.source, edge.target} <= ids for edge in graph.edges)
    assert len({(e.source, e.target) for e in graph.edges}) == len(graph.edges)


def test_folding_loses_no_value():
    whole = snapshot(deep_net())
    graph = whole.folded(depth=1)
    inside = [id for node in graph.nodes for id in node.members or (node.id,)]
    assert sorted(inside) == sorted(node.id for node in whole.nodes)


def test_open_graph_is_folded_into_itself():
    graph = snapshot(deep_net())
    assert graph.folded().edges == graph.edges
    assert graph.folded().nodes == graph.nodes


def test_uses_of_one_value_stay_apart_unless_a_group_is_closed():
    x = Tensor(3.0, "x")
    with mb.scope("square"):
        y = x * x
    graph = snapshot(y + 1.0)
    assert len(graph.edges) == 4
    assert [edge.position for edge in graph.folded(["square"]).edges] == [0, 0, 1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"collapse": ["blok"]}, "there is no group 'blok' to collapse; there are: block0, "),
        ({"collapse": "block0"}, r"collapse takes a list of groups; write \['block0'\]"),
        ({"depth": -1}, "depth is how many groups deep to look: 0 or more, not -1"),
        ({"depth": 1.5}, "not 1.5"),
    ],
)
def test_groups_that_are_not_there_are_refused(options, message):
    with pytest.raises(errors.ArgumentError, match=message):
        mb.draw(deep_net(), **options)
    with pytest.raises(errors.ArgumentError, match="there are: none; scopes and Modules make gr"):
        mb.draw(Tensor(1.0) * 2.0, collapse=["a"])


def test_groups_are_framed_and_closed_ones_say_how_much_is_in_them():
    source = mb.draw(deep_net()).source
    assert source.count("subgraph cluster_") == 6
    source = mb.draw(deep_net(), depth=0).source.replace("\N{NO-BREAK SPACE}", " ")
    assert source.count("subgraph") == 0
    assert "▸ block0   5 values" in source


def test_net_of_500_values_is_a_short_row_of_boxes_when_closed():
    net = nn.Sequential(*(nn.Linear(2, 2, rng=i) for i in range(130)))
    loss = net(np.ones((1, 2))).sum()
    assert len(snapshot(loss).nodes) > 500
    assert len(snapshot(loss).folded(depth=0).nodes) == 131
    with mb.scope("net"):
        loss = net(np.ones((1, 2))).sum()
    assert len(snapshot(loss).folded(depth=0).nodes) == 1


def test_gradients_own_graph_is_told_apart_and_has_the_groups_of_the_forward():
    net = nn.Sequential(nn.Linear(2, 2, rng=0), nn.Tanh())
    x = Tensor(np.ones((1, 2)), "x")
    first = mb.grad(net(x), x, normal(1, 2), create_graph=True)
    graph = snapshot(first)
    assert {n.scope for n in graph.nodes if n.role == "gradient"} == {
        *(("gradient", f"layers.{i}") for i in range(2))
    }
    assert "gradient.layers.0" in groups(graph)
    assert "dx" in mb.draw(first, np.ones((1, 2))).source


def test_gradients_own_graph_is_laid_out_the_other_way():
    x = Tensor(2.0, "x")
    first = mb.grad(np.exp(2.0 * x), x, create_graph=True)
    source = mb.draw(first).source
    assert "dir=back" in source
    assert "constraint=false" in source  # the arrows from the forward
    assert "dir=back" not in mb.draw(np.square(x) * 3.0).source


def test_name_of_a_user_does_not_make_a_gradient():
    x = Tensor(2.0, "gradient")
    assert "dir=back" not in mb.draw(x * 2.0).source


def test_characters_that_no_picture_can_hold_are_replaced():
    drawing = mb.draw(Tensor(1.0, name="a\x00b\x1b") * 2.0)
    assert "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}" in drawing.source
    if dot.renderers():
        ET.fromstring(drawing.svg())
