// Which boxes are drawn, and how large: one for each value, or for each closed group.

// Returns the boxes of a step and the links between them. A link stands for one use of a value, or
// for all uses between two closed groups. The `note` says what is not drawn.
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
  const all = { boxes, links: [...links.values()], stack: [], note: "" };
  return boxes.size > story.most.boxes
    ? neighbours(
        current.map((id) => home.get(id)),
        all,
      )
    : all;
}

// Returns the groups that a value is in, the outermost first.
function groupsOf(node) {
  return node.scope.map((_, i) => key(node.scope.slice(0, i + 1)));
}

// A value inside closed groups is drawn as the outermost of them.
function boxOf(node, shut) {
  return groupsOf(node).find((path) => shut.has(path)) ?? node.id;
}

// Returns how many boxes there are if the calls of composed functions are closed.
function boxesAtFirst() {
  return new Set(story.nodes.map((node) => boxOf(node, composed))).size;
}

// Returns the groups that are closed at this step.
function shutNow(current) {
  if (!state.follow) return closed;
  const open = new Set(current.flatMap((id) => groupsOf(nodes.get(id))));
  if (state.follow === "modules") for (const path of composed.keys()) open.delete(path);
  return new Set([...closed].filter((path) => !open.has(path)));
}

// Keeps the boxes that are nearest to those of the step.
function neighbours(start, { boxes, links }) {
  const beside = new Map([...boxes.keys()].map((id) => [id, []]));
  for (const { source, target } of links) {
    beside.get(source).push(target);
    beside.get(target).push(source);
  }
  const found = new Set(start);
  for (const id of found)
    for (const other of beside.get(id)) if (found.size < story.most.near) found.add(other);
  return {
    boxes: new Map([...boxes].filter(([id]) => found.has(id))),
    links: links.filter((link) => found.has(link.source) && found.has(link.target)),
    stack: [],
    note: `${story.nodes.length} values; only those near this step are drawn`,
  };
}

const ruler = document.createElement("canvas").getContext("2d");

function widthOf(text, font) {
  ruler.font = font;
  return ruler.measureText(text).width;
}

const NAME = "600 19px system-ui, sans-serif";
const SMALL = "15px system-ui, sans-serif"; // both as in page.css
const PAD = 10; // around the parts of a box, and between them

function cut(text, most) {
  return text.length > most ? text.slice(0, most - 1) + "…" : text;
}

// Adds to a box its texts and its size, and where in it they stand.
function describe(box) {
  const node = box.nodes.at(-1); // a closed call shows its result, the last node
  const call = composed.get(box.id);
  if (box.id !== node.id && !call) return describeGroup(box);
  if (call) box.group = box.id;
  const scalar = node.value.shape.length === 0;
  const order = nodes.get(node.id).order;
  if (node.role === "constant" && scalar) {
    const [title, width] = [node.name, widthOf(node.name, SMALL) + 2 * PAD];
    return Object.assign(box, { node, order, title, width, height: 26, places: along(0, 26, 5) });
  }
  const title = (call ? "▸ " : "") + cut(node.name, 22);
  const sign = namesItsFunction(node) ? "" : node.sign;
  const detail = `${call || sign} ${scalar ? "" : tuple(node.value.shape)}`.trim();
  const nameWidth = widthOf(title, NAME);
  const text = nameWidth + (detail ? PAD + widthOf(detail, SMALL) : 0);
  const thumb = scalar ? { width: numberWidth(node), height: 18 } : thumbSize(node.value, [14, 72], [9, 40]);
  const thumbs = node.role === "constant" ? thumb.width : 2 * thumb.width + PAD;
  const [width, height] = [text + thumbs + 3 * PAD, Math.max(36, thumb.height + 8)];
  const places = along(nameWidth, height);
  places.thumbs = [text + 2 * PAD, (height - thumb.height) / 2];
  return Object.assign(box, { node, order, title, detail, places, thumb, width, height });
}

// Returns the places of texts that stand side by side.
function along(nameWidth, height, down = 6) {
  const base = height / 2 + down;
  return { title: [PAD, base], detail: [2 * PAD + nameWidth, base] };
}

function describeGroup(box) {
  const count = box.nodes.length;
  const title = "▸ " + cut(JSON.parse(box.id).at(-1), 22);
  const detail = `${count} value${count > 1 ? "s" : ""}`;
  const nameWidth = widthOf(title, NAME);
  const width = nameWidth + widthOf(detail, SMALL) + 3 * PAD;
  const places = along(nameWidth, 36);
  const size = { width, height: 36, places };
  return Object.assign(box, { group: box.id, order: begun(box), title, detail, ...size });
}

// Writes a shape as Python does.
function tuple(shape) {
  return `(${shape.join(", ")}${shape.length === 1 ? "," : ""})`;
}

// Returns the size of a heatmap. Given are the most for a cell and for all, across and down.
function thumbSize(table, across, down) {
  const shown = heat(table).rows;
  const [rows, columns] = [Math.max(shown.length, 1), shown[0]?.length ?? 1];
  const cell = {
    width: Math.min(across[0], across[1] / columns),
    height: Math.min(down[0], down[1] / rows),
  };
  return { width: columns * cell.width, height: rows * cell.height, cell };
}

// Returns what a heatmap shows of an array: its numbers, or the means of a large array's blocks.
function heat(table) {
  return table.blocks.length ? { ...table, rows: table.blocks, low: "", high: "" } : table;
}

// Puts the boxes into the open groups around them.
function nested(boxes, step) {
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
  for (const box of boxes.values()) open(box.path).children.push(state.near ? describeNear(box, step) : stackUp(describe(box)));
  for (const group of [root, ...groups.values()]) group.order = begun(group);
  return { root, groups: [...groups.values()].filter((group) => group !== root) };
}

// Returns when the first value in a box was computed. Parameters do not count unless the box has
// nothing else, because they were made before everything.
function begun(box) {
  if (box.children) {
    const made = box.children.filter(computes);
    return Math.min(...(made.length ? made : box.children).map(begun));
  }
  const first = box.nodes.find((node) => node.sign) ?? box.nodes[0]; // they are in order
  return nodes.get(first.id).order;
}

function computes(box) {
  return box.children ? box.children.some(computes) : box.nodes.some((node) => node.sign);
}
