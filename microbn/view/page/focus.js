// The focus view: the value of the step, its operands above it, its users below it, in large type.

const MOST_NEAR = { operands: 6, users: 3 };
const LARGE_NAME = "600 24px system-ui, sans-serif";
const LARGE = "23px system-ui, sans-serif";
const LARGE_CODE = "600 23px ui-monospace, monospace"; // all three as in page.css
const LARGE_GAP = 76; // between rows: a message stands there

// Returns the boxes of the focus view and the links between them, as visible() does for the whole.
function nearby(step) {
  if (step.phase === "given") return leaves(step.nodes.slice(0, story.most.leaves));
  const [id] = step.nodes;
  const operands = new Set(story.edges.filter((e) => e.target === id).map((e) => e.source));
  const users = new Set(story.edges.filter((e) => e.source === id).map((e) => e.target));
  const near = [...operands].slice(0, MOST_NEAR.operands);
  const boxes = boxesOf([...near, id, ...[...users].slice(0, MOST_NEAR.users)]);
  const links = story.edges
    .filter((edge) => edge.source === id || edge.target === id)
    .filter((edge) => boxes.has(edge.source) && boxes.has(edge.target))
    .map((edge) => ({ ...edge, uses: [edge.id] }));
  const hidden = operands.size + users.size + 1 - boxes.size;
  const note = hidden ? `${hidden} more that use ${nodes.get(id).name} or that it uses` : "";
  return { boxes, links, stack: [], note };
}

function boxesOf(ids) {
  const found = [...ids].sort((a, b) => nodes.get(a).order - nodes.get(b).order);
  return new Map(found.map((id) => [id, { id, path: [], nodes: [nodes.get(id)] }]));
}

// The leaves stand one below the other, in two columns if they are many: the layout does so for a
// stack of links that are not drawn.
function leaves(ids) {
  const columns = ids.length > 4 ? 2 : 1;
  const link = (id, i) => ({ id: `stack ${i}`, source: ids[i], target: id });
  const stack = ids.slice(columns).map(link);
  return { boxes: boxesOf(ids), links: [], stack, note: "" };
}

// Adds to a box its texts and its size: the name with the function, and the numbers below.
function describeNear(box, step) {
  const [node] = box.nodes;
  const { order } = nodes.get(node.id);
  const scalar = node.value.shape.length === 0;
  const title = cut(node.name, 22);
  const detail = namesItsFunction(node) ? "" : node.sign;
  const nameWidth = widthOf(title, LARGE_NAME);
  const across = nameWidth + (detail ? PAD + widthOf(detail, LARGE) : 0);
  const thumb = scalar ? { width: 112, height: 30 } : thumbSize(node.value, [24, 120], [16, 72]);
  const constant = node.role === "constant";
  if (constant && scalar) thumb.height = 0;
  const numbers = constant ? thumb.width : 2 * thumb.width + PAD;
  const rules = messagesTo(node.id, step).map((rule) => widthOf(rule, LARGE_CODE));
  const width = Math.max(across, thumb.height && numbers, ...rules) + 2 * PAD;
  const [left, top] = [(width - across) / 2, 31];
  const places = {
    title: [left, top], detail: [left + nameWidth + PAD, top],
    thumbs: [(width - numbers) / 2, top + PAD],
  };
  const height = top + PAD + (thumb.height ? thumb.height + PAD : 0);
  const drawn = thumb.height ? thumb : null;
  return Object.assign(box, { node, order, title, detail, places, thumb: drawn, width, height });
}

// A name such as stop_gradient2 or tanh(y) says what the function is.
function namesItsFunction({ name, sign }) {
  return name.startsWith(sign) && !/^\p{Letter}/u.test(name.slice(sign.length));
}

// Returns the rules of what a value receives in this step, short enough to stand side by side.
function messagesTo(id, step) {
  const most = new Set(step.parts.map((part) => part.receiver)).size > 1 ? 16 : 30;
  return step.parts.filter((part) => part.receiver === id).map((part) => cut(part.rule, most));
}

// Writes each message below its receiver, at the head of its arrow, on paper of its own: an arrow
// that ran through the words would be read as one of them.
function messages(step) {
  return [...drawn.boxes.values()].flatMap((box) => {
    const rules = messagesTo(box.id, step);
    const first = box.y + box.height + (rules.length > 1 ? 42 : 52);
    return rules.map((rule, i) => message(box.x + box.width / 2, first + 25 * i, rule));
  });
}

function message(x, y, rule) {
  const width = widthOf(rule, LARGE_CODE) + PAD;
  const paper = make("rect", { x: x - width / 2, y: y - 19, width, height: 25 });
  return make("g", { class: "message" }, paper, label(x, y, rule));
}
