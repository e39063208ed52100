// What is drawn of the graph: a box for each value, or for a group that is closed, with its size.

// A value inside a closed group is drawn as the outermost such group.
function boxOf(node, shut) {
  for (let i = 1; i <= node.scope.length; i++)
    if (shut.has(key(node.scope.slice(0, i)))) return key(node.scope.slice(0, i));
  return node.id;
}

function shutNow(current) {
  if (!state.follow) return closed;
  const open = current.flatMap((id) =>
    nodes.get(id).scope.map((_, i, all) => key(all.slice(0, i + 1))),
  );
  return new Set([...closed].filter((path) => !open.includes(path)));
}

// What is drawn: boxes in their groups, and one edge for each use, or for all uses of a group.
function visible(step) {
  const current = step.phase === "given" ? step.nodes.slice(0, 1) : step.nodes;
  const shut = shutNow(current);
  const home = new Map(story.nodes.map((node) => [node.id, boxOf(node, shut)]));
  const edges = new Map();
  for (const edge of story.edges) {
    const [source, target] = [home.get(edge.source), home.get(edge.target)];
    const whole = source === edge.source && target === edge.target;
    const id = whole ? edge.id : source + target;
    if (source === target) continue;
    if (!edges.has(id)) edges.set(id, { id, source, target, uses: [] });
    edges.get(id).uses.push(edge.id);
  }
  const boxes = new Map();
  for (const node of story.nodes) {
    const id = home.get(node.id);
    if (!boxes.has(id))
      boxes.set(id, {
        id,
        path: id === node.id ? node.scope : JSON.parse(id).slice(0, -1),
        nodes: [],
      });
    boxes.get(id).nodes.push(node);
  }
  let links = [...edges.values()];
  const left =
    boxes.size > MOST
      ? near(
          links,
          current.map((id) => home.get(id)),
        )
      : null;
  if (left) {
    for (const id of [...boxes.keys()]) if (!left.has(id)) boxes.delete(id);
    links = links.filter((edge) => left.has(edge.source) && left.has(edge.target));
  }
  return { boxes, links, hidden: home.size && left ? story.nodes.length : 0 };
}

function near(edges, start) {
  const beside = new Map();
  const add = (a, b) => beside.set(a, [...(beside.get(a) ?? []), b]);
  for (const { source, target } of edges) (add(source, target), add(target, source));
  const found = new Set(start);
  for (const id of found) {
    for (const other of beside.get(id) ?? []) if (found.size < NEAR) found.add(other);
  }
  return found;
}

const ruler = document.createElement("canvas").getContext("2d");

function widthOf(text, font) {
  ruler.font = font;
  return ruler.measureText(text).width;
}

const NAME = "600 19px system-ui, sans-serif";
const SMALL = "13px system-ui, sans-serif";

function cut(text, most) {
  return text.length > most ? text.slice(0, most - 1) + "…" : text;
}

function describe(box) {
  if (box.nodes.length > 1 || box.id !== box.nodes[0].id) {
    const path = JSON.parse(box.id);
    const title = "▸ " + cut(path.at(-1), 22);
    const detail = `${box.nodes.length} value${box.nodes.length > 1 ? "s" : ""}`;
    const width = Math.max(widthOf(title, NAME), widthOf(detail, SMALL)) + 24;
    return Object.assign(box, {
      group: box.id,
      order: first(box),
      title,
      detail,
      width,
      height: 46,
    });
  }
  const [node] = box.nodes;
  box.order = nodes.get(node.id).order;
  const scalar = node.value.shape.length === 0;
  if (node.role === "constant" && scalar)
    return Object.assign(box, {
      node,
      title: node.name,
      detail: "",
      width: widthOf(node.name, SMALL) + 18,
      height: 26,
    });
  const title = cut(node.name, 22);
  const detail = [
    node.sign,
    scalar ? "" : `(${node.value.shape.join(", ")}${node.value.shape.length === 1 ? "," : ""})`,
  ]
    .filter(Boolean)
    .join(" ");
  const text = Math.max(widthOf(title, NAME), widthOf(detail, SMALL));
  const thumb = scalar ? { width: 62, height: 18 } : thumbSize(node.value);
  const both = node.role === "constant" ? thumb.width : 2 * thumb.width + 10;
  return Object.assign(box, {
    node,
    title,
    detail,
    text,
    thumb,
    width: text + both + 34,
    height: Math.max(46, thumb.height + 8),
  });
}

function thumbSize(table) {
  const [rows, columns] = [Math.max(table.rows.length, 1), table.rows[0]?.length ?? 1];
  const cell = { width: Math.min(14, 72 / columns), height: Math.min(11, 48 / rows) };
  return { width: columns * cell.width, height: rows * cell.height, cell };
}

// Boxes put into the groups that are open around them.
function nested(boxes) {
  const root = { children: [], order: 0 };
  const groups = new Map([["[]", root]]);
  const open = (path) => {
    const id = key(path);
    if (!groups.has(id)) {
      const group = { id, path, children: [] };
      groups.set(id, group);
      open(path.slice(0, -1)).children.push(group);
    }
    return groups.get(id);
  };
  for (const box of boxes.values()) open(box.path).children.push(describe(box));
  for (const group of [root, ...groups.values()]) group.order = first(group);
  return { root, groups: [...groups.values()].filter((group) => group !== root) };
}

// When a box was begun, by the first value computed in it: parameters are made before everything.
function first(box) {
  const inside = box.children
    ? box.children.map(first)
    : box.nodes.map((node) => nodes.get(node.id).order + (node.sign ? 0 : 1e6));
  return Math.min(...inside);
}
