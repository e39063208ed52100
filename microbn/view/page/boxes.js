// What is drawn of the graph: a box for each value, or for a group that is closed, with its size.

// What is drawn at a step: boxes, one edge for each use or for all uses between two closed groups,
// and the total of values where only those around the step are drawn.
function visible(step) {
  const current = step.phase === "given" ? step.nodes.slice(0, 1) : step.nodes;
  const shut = shutNow(current);
  const home = new Map(story.nodes.map((node) => [node.id, boxOf(node, shut)]));
  const boxes = new Map();
  for (const node of story.nodes) {
    const id = home.get(node.id);
    const path = id === node.id ? node.scope : JSON.parse(id).slice(0, -1);
    if (!boxes.has(id)) boxes.set(id, { id, path, nodes: [] });
    boxes.get(id).nodes.push(node);
  }
  const links = new Map();
  for (const edge of story.edges) {
    const [source, target] = [home.get(edge.source), home.get(edge.target)];
    const id = source === edge.source && target === edge.target ? edge.id : source + target;
    if (source === target) continue;
    if (!links.has(id)) links.set(id, { id, source, target, uses: [] });
    links.get(id).uses.push(edge.id);
  }
  const all = { boxes, links: [...links.values()], total: 0 };
  return boxes.size > MOST
    ? neighbours(
        current.map((id) => home.get(id)),
        all,
      )
    : all;
}

// The paths of the groups that a value is in, the outermost first.
function groupsOf(node) {
  return node.scope.map((_, i) => key(node.scope.slice(0, i + 1)));
}

// A value inside a closed group is drawn as the outermost such group.
function boxOf(node, shut) {
  return groupsOf(node).find((path) => shut.has(path)) ?? node.id;
}

function shutNow(current) {
  if (!state.follow) return closed;
  const open = new Set(current.flatMap((id) => groupsOf(nodes.get(id))));
  return new Set([...closed].filter((path) => !open.has(path)));
}

function neighbours(start, { boxes, links }) {
  const beside = new Map([...boxes.keys()].map((id) => [id, []]));
  for (const { source, target } of links) {
    beside.get(source).push(target);
    beside.get(target).push(source);
  }
  const found = new Set(start);
  for (const id of found)
    for (const other of beside.get(id)) if (found.size < NEAR) found.add(other);
  return {
    boxes: new Map([...boxes].filter(([id]) => found.has(id))),
    links: links.filter((link) => found.has(link.source) && found.has(link.target)),
    total: story.nodes.length,
  };
}

const ruler = document.createElement("canvas").getContext("2d");

function widthOf(text, font) {
  ruler.font = font;
  return ruler.measureText(text).width;
}

const NAME = "600 19px system-ui, sans-serif";
const SMALL = "15px system-ui, sans-serif"; // both as in page.css
const PAD = 10; // between what stands in a box, and around it

function cut(text, most) {
  return text.length > most ? text.slice(0, most - 1) + "…" : text;
}

// What a box says, and how large it is for that.
function describe(box) {
  const [node] = box.nodes;
  if (box.id !== node.id) return describeGroup(box);
  const scalar = node.value.shape.length === 0;
  const order = nodes.get(node.id).order;
  if (node.role === "constant" && scalar) {
    const width = widthOf(node.name, SMALL) + 2 * PAD;
    return Object.assign(box, { node, order, title: node.name, width, height: 26 });
  }
  const title = cut(node.name, 22);
  const detail = `${node.sign} ${scalar ? "" : tuple(node.value.shape)}`.trim();
  const text = widthOf(title, NAME) + (detail ? PAD + widthOf(detail, SMALL) : 0);
  const thumb = scalar ? { width: 62, height: 18 } : thumbSize(node.value);
  const thumbs = node.role === "constant" ? thumb.width : 2 * thumb.width + PAD;
  const [width, height] = [text + thumbs + 3 * PAD, Math.max(36, thumb.height + 8)];
  return Object.assign(box, { node, order, title, detail, text, thumb, width, height });
}

function describeGroup(box) {
  const count = box.nodes.length;
  const title = "▸ " + cut(JSON.parse(box.id).at(-1), 22);
  const detail = `${count} value${count > 1 ? "s" : ""}`;
  const width = widthOf(title, NAME) + widthOf(detail, SMALL) + 3 * PAD;
  return Object.assign(box, { group: box.id, order: begun(box), title, detail, width, height: 36 });
}

// A shape as Python writes it.
function tuple(shape) {
  return `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;
}

function thumbSize(table) {
  const [rows, columns] = [Math.max(table.rows.length, 1), table.rows[0]?.length ?? 1];
  const cell = { width: Math.min(14, 72 / columns), height: Math.min(9, 40 / rows) };
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
  for (const group of [root, ...groups.values()]) group.order = begun(group);
  return { root, groups: [...groups.values()].filter((group) => group !== root) };
}

// When a box was begun, by the first value computed in it; parameters were made before everything.
function begun(box) {
  if (box.children) return Math.min(...box.children.map(begun));
  const computed = box.nodes.filter((node) => node.sign);
  return Math.min(...(computed.length ? computed : box.nodes).map((n) => nodes.get(n.id).order));
}
