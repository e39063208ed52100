// The page: shows the step it is at. What it shows is in the story; nothing is computed here but
// places and colours.

const story = JSON.parse(document.getElementById("story").textContent);
// An array is its number among the tables.
const table = (number) => (number === null ? null : story.tables[number]);
for (const node of story.nodes) node.value = table(node.value);
for (const step of story.steps) {
  step.gradient = table(step.gradient);
  for (const part of step.parts)
    for (const name of ["product", "gradient", "total"]) part[name] = table(part[name]);
}
const nodes = new Map(story.nodes.map((node, order) => [node.id, { ...node, order }]));
const known = new Map(); // the step at which a value is there
const received = new Map(); // of each value, what its gradient is from which step on
story.steps.forEach((step, at) => {
  for (const id of step.phase === "backward" ? [] : step.nodes) known.set(id, at);
  for (const part of step.parts)
    note(part.receiver, { at, table: part.total ?? part.gradient, part });
  if (step.gradient) note(step.nodes[0], { at, table: step.gradient });
});

function note(id, entry) {
  if (!received.has(id)) received.set(id, []);
  received.get(id).push(entry);
}

const MOST = 120; // boxes that are drawn at once
const NEAR = 18; // of a graph with more, those around the step

const paths = new Map(); // of the groups, the outermost first
for (const node of story.nodes)
  node.scope.forEach((_, i) => paths.set(key(node.scope.slice(0, i + 1)), node.scope.slice(0, i + 1)));
const large = story.nodes.length > MOST;
const closed = new Set(large ? paths.keys() : []);
const state = { at: 0, follow: large, timer: 0 };
const $ = (id) => document.getElementById(id);

function key(path) {
  return JSON.stringify(path);
}

// Elements are made of text and attributes alone, so no name can be more than text.
function make(name, attributes = {}, ...children) {
  const svg = ["svg", "g", "rect", "path", "text", "title", "defs", "marker"].includes(name);
  const element = svg
    ? document.createElementNS("http://www.w3.org/2000/svg", name)
    : document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes))
    if (attribute.startsWith("on")) element.addEventListener(attribute.slice(2), value);
    else if (value !== null) element.setAttribute(attribute, value);
  element.append(...children);
  return element;
}

// --- the graph

// A value inside a closed group is drawn as the outermost such group.
function boxOf(node, shut) {
  for (let i = 1; i <= node.scope.length; i++)
    if (shut.has(key(node.scope.slice(0, i)))) return key(node.scope.slice(0, i));
  return node.id;
}

function shutNow(current) {
  if (!state.follow) return closed;
  const open = current.flatMap((id) => nodes.get(id).scope.map((_, i, all) => key(all.slice(0, i + 1))));
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
    if (!boxes.has(id)) boxes.set(id, { id, path: id === node.id ? node.scope : JSON.parse(id).slice(0, -1), nodes: [] });
    boxes.get(id).nodes.push(node);
  }
  let links = [...edges.values()];
  const left = boxes.size > MOST ? near(links, current.map((id) => home.get(id))) : null;
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
    return Object.assign(box, { group: box.id, order: first(box), title, detail, width, height: 46 });
  }
  const [node] = box.nodes;
  box.order = nodes.get(node.id).order;
  const scalar = node.value.shape.length === 0;
  if (node.role === "constant" && scalar)
    return Object.assign(box, { node, title: node.name, detail: "", width: widthOf(node.name, SMALL) + 18, height: 26 });
  const title = cut(node.name, 22);
  const detail = [node.sign, scalar ? "" : `(${node.value.shape.join(", ")}${node.value.shape.length === 1 ? "," : ""})`].filter(Boolean).join(" ");
  const text = Math.max(widthOf(title, NAME), widthOf(detail, SMALL));
  const thumb = scalar ? { width: 62, height: 18 } : thumbSize(node.value);
  const both = node.role === "constant" ? thumb.width : 2 * thumb.width + 10;
  return Object.assign(box, { node, title, detail, text, thumb, width: text + both + 34, height: Math.max(46, thumb.height + 8) });
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
  const inside = box.children ? box.children.map(first) : box.nodes.map((node) => nodes.get(node.id).order + (node.sign ? 0 : 1e6));
  return Math.min(...inside);
}

let drawn = { key: null };

function draw(step) {
  const { boxes, links, hidden } = visible(step);
  const shown = [...boxes.keys()].join(" ");
  const moved = drawn.key !== shown;
  if (moved) {
    const { root, groups } = nested(boxes);
    const routes = layout(root, links);
    drawn = { key: shown, boxes, links, groups, routes, width: root.width, height: root.height, hidden };
  }
  const svg = make("svg", { viewBox: `0 0 ${drawn.width} ${drawn.height}`, role: "img", "aria-label": pictured(step) });
  svg.append(make("defs", {}, arrow("tip", ""), arrow("tip-now", "now")));
  for (const group of drawn.groups) svg.append(frame(group));
  const now = new Set(step.parts.map((part) => part.edge));
  const into = new Set(step.phase === "forward" ? step.nodes : []);
  const uses = new Map(story.edges.map((edge) => [edge.id, edge]));
  const lines = drawn.links.map((link) => {
    const flows = link.uses.some((id) => now.has(id));
    const feeds = link.uses.some((id) => into.has(uses.get(id).target));
    return line(drawn.routes.get(link.id), flows, feeds, step);
  });
  lines.sort((a, b) => a.classList.contains("now") - b.classList.contains("now"));
  svg.append(...lines);
  for (const box of drawn.boxes.values()) svg.append(drawBox(box, step));
  $("graph").replaceChildren(svg);
  if (hidden)
    $("graph").append(make("p", {}, `${hidden} values; drawn are those around this step`));
  fit(svg, step, moved);
}

function pictured(step) {
  const names = step.nodes.map((id) => nodes.get(id).name).join(", ");
  return `${story.nodes.length} values and their uses; this step is about ${cut(names, 80)}`;
}

function arrow(id, kind) {
  const tip = make("path", { d: "M 0 0 L 10 5 L 0 10 z", class: `tip ${kind}` });
  const size = kind ? 3.6 : 8;
  return make("marker", { id, viewBox: "0 0 10 10", refX: 9, refY: 5, markerWidth: size, markerHeight: size, orient: "auto-start-reverse" }, tip);
}

function frame(group) {
  const { x, y, width, height, path } = group;
  const g = make("g", { class: "frame", onclick: () => toggle(key(path)) });
  g.append(make("rect", { x, y, width, height, rx: 10 }));
  g.append(make("text", { x: x + 10, y: y + 19 }, "▾ " + cut(path.at(-1), 24)));
  return g;
}

function line(points, flows, feeds, step) {
  let d = `M ${points[0].join(" ")}`;
  for (let i = 1; i < points.length; i++) {
    const [[x0, y0], [x1, y1]] = [points[i - 1], points[i]];
    const half = (y1 - y0) / 2;
    d += ` C ${x0} ${y0 + half} ${x1} ${y1 - half} ${x1} ${y1}`;
  }
  const kind = flows ? "now back" : feeds ? "now" : "";
  const tip = flows || feeds ? "url(#tip-now)" : "url(#tip)";
  return make("path", { d, class: `edge ${kind}`, [flows ? "marker-start" : "marker-end"]: tip });
}

function drawBox(box, step) {
  const current = box.nodes.some((node) => step.nodes.includes(node.id));
  const there = box.nodes.some((node) => node.role === "constant" || known.get(node.id) <= state.at);
  const role = box.group ? "group" : box.node.role;
  const kind = `box ${role} ${current ? "now" : ""} ${there ? "" : "later"}`;
  const { x, y, width, height } = box;
  const g = make("g", { class: kind, onclick: () => (box.group ? toggle(box.group) : visit(box.node.id)) });
  g.append(make("title", {}, box.group ? box.title : `${box.node.name}  ${box.detail}`));
  g.append(make("rect", { x, y, width, height, rx: 8 }));
  if (!box.detail && !box.thumb) {
    g.append(make("text", { x: x + 9, y: y + height / 2 + 5, class: "small" }, box.title));
    return g;
  }
  const middle = y + height / 2;
  g.append(make("text", { x: x + 12, y: middle - 2 + (box.detail ? 0 : 8), class: "name" }, box.title));
  g.append(make("text", { x: x + 12, y: middle + 16, class: "small" }, box.detail));
  if (box.group) return g;
  const left = x + box.text + 22;
  g.append(thumb(there ? box.node.value : null, box, left));
  if (role !== "constant") {
    const soFar = gradientOf(box.node.id);
    g.append(thumb(soFar?.table ?? null, box, left + box.thumb.width + 10));
    if (soFar?.part && soFar.part.expected > soFar.part.received)
      g.append(make("text", { x: x + width - 4, y: y - 4, class: "sum" }, `${soFar.part.received} of ${soFar.part.expected}`));
  }
  return g;
}

function gradientOf(id) {
  return (received.get(id) ?? []).filter((entry) => entry.at <= state.at).at(-1);
}

// A small heatmap; of one number the number; a dash for what is not computed yet.
function thumb(table, box, x) {
  const middle = box.y + box.height / 2;
  const { width, height, cell } = box.thumb;
  if (!table) return make("text", { x: x + width / 2, y: middle + 5, class: "dash" }, "–");
  if (!cell) return make("text", { x: x + width / 2, y: middle + 5, class: "number" }, table.rows[0]?.[0] ?? "");
  const g = make("g", { class: "heat" });
  const most = largest(table);
  table.rows.forEach((row, i) =>
    row.forEach((text, k) =>
      g.append(make("rect", { x: x + k * cell.width, y: middle - height / 2 + i * cell.height, width: cell.width, height: cell.height, fill: colour(text, most).background }))));
  g.append(make("rect", { x, y: middle - height / 2, width, height, class: "rim" }));
  return g;
}

function largest(table) {
  return Math.max(...table.rows.flat().map((text) => Math.abs(Number(text))).filter(Number.isFinite), 0) || 1;
}

// Blue below 0, white at 0, red above; the same distance from 0 is as dark in both.
function colour(text, most) {
  const share = Math.max(-1, Math.min(1, Number(text) / most));
  if (!Number.isFinite(share)) return { background: "#444444", text: "#ffffff" };
  const full = share < 0 ? [33, 102, 172] : [178, 24, 43];
  const [r, g, b] = full.map((part) => Math.round(255 + (part - 255) * Math.abs(share)));
  return { background: `rgb(${r}, ${g}, ${b})`, text: Math.abs(share) > 0.55 ? "#ffffff" : "#111111" };
}

// As large as the room allows, but never too small to read: then it scrolls to the step.
function fit(svg, step, moved = true) {
  const room = $("graph");
  const scale = Math.min(1.5, room.clientWidth / drawn.width, room.clientHeight / drawn.height);
  const size = Math.max(scale, 0.78);
  svg.setAttribute("width", drawn.width * size);
  svg.setAttribute("height", drawn.height * size);
  const box = [...drawn.boxes.values()].find((b) => b.nodes.some((n) => step.nodes.includes(n.id)));
  if (!box) return;
  room.scrollTo({
    left: (box.x + box.width / 2) * size - room.clientWidth / 2,
    top: (box.y + box.height / 2) * size - room.clientHeight / 2,
    behavior: moved ? "instant" : "auto",
  });
}

function toggle(path) {
  state.follow = false;
  if (closed.has(path)) closed.delete(path);
  else closed.add(path);
  show();
}

// Where a value that was clicked is computed, or in the second half, where its gradient is whole.
function visit(id) {
  const phase = story.steps[state.at].phase;
  const at = story.steps.findIndex((step) => step.nodes.includes(id) && (phase !== "backward" || step.phase === phase));
  if (at >= 0) go(at);
}

// --- the step in words and numbers

function numbers(table, caption, kind = "") {
  const most = largest(table);
  const element = make("table", { class: kind }, make("caption", {}, caption));
  const body = make("tbody");
  table.rows.forEach((row, i) => {
    const cells = row.map((text) => {
      const { background, text: ink } = colour(text, most);
      const cell = make("td", {}, table.block ? "" : text);
      if (table.block) cell.title = text;
      cell.style.background = background;
      cell.style.color = ink;
      return cell;
    });
    const label = table.labels[i];
    body.append(make("tr", {}, ...(label ? [make("th", { scope: "row" }, label)] : []), ...cells));
  });
  element.append(body);
  const figure = make("figure", {}, element);
  if (table.block) {
    const [rows, columns] = table.block;
    element.classList.add("blocks");
    figure.append(make("figcaption", {}, `${table.low} to ${table.high}, mean ${table.mean}; each cell the mean of up to ${rows} × ${columns}`));
  }
  if (!table.rows.length) figure.append(make("figcaption", {}, "empty"));
  return figure;
}

function sized(name, table) {
  return table.shape.length ? `${name}  ${table.shape.join("×")}` : name;
}

function gradientName(node) {
  return /\s/.test(node.name) ? `d(${node.name})` : `d${node.name}`;
}

function tables(step) {
  const all = [];
  const row = (...children) => make("div", { class: "tables" }, ...children);
  if (step.phase === "backward") {
    const node = nodes.get(step.nodes[0]);
    all.push(row(numbers(node.value, sized(node.name, node.value)), numbers(step.gradient, sized(gradientName(node), step.gradient), "whole")));
    for (const part of step.parts) all.push(card(part));
  } else if (step.phase === "forward") {
    const node = nodes.get(step.nodes[0]);
    const operands = story.edges.filter((edge) => edge.target === node.id).map((edge) => nodes.get(edge.source));
    const seen = [...new Set(operands)].filter((n) => n.value.shape.length || n.role !== "constant");
    all.push(row(...seen.map((n) => numbers(n.value, sized(n.name, n.value))), make("span", { class: "gives" }, "→"), numbers(node.value, sized(node.name, node.value), "whole")));
  } else {
    all.push(row(...step.nodes.slice(0, 12).map((id) => numbers(nodes.get(id).value, sized(nodes.get(id).name, nodes.get(id).value)))));
  }
  return all;
}

// What one use sends: the rule, what it gives, the sum over repeated axes, the sum at the fork.
function card(part) {
  const node = nodes.get(part.receiver);
  const name = gradientName(node);
  const count = part.expected > 1 ? `part ${part.received} of ${part.expected}` : "";
  const head = make("h2", {}, make("span", { class: "to" }, `to ${node.name}`), make("span", { class: "rule" }, part.rule), make("span", { class: "count" }, count));
  const row = make("div", { class: "tables" });
  if (part.product)
    row.append(numbers(part.product, sized("the rule gives", part.product)), make("span", { class: "gives" }, part.summed + " →"));
  row.append(numbers(part.gradient, part.expected > 1 ? sized("this part", part.gradient) : sized(name, part.gradient), part.expected > 1 ? "" : "whole"));
  if (part.total)
    row.append(make("span", { class: "gives" }, "added up →"), numbers(part.total, sized(`${name}, ${part.received} of ${part.expected}`, part.total), part.received === part.expected ? "whole" : ""));
  return make("section", { class: "card", "aria-label": `to ${node.name}` }, head, row);
}

function code(step) {
  if (!step.line) return [];
  const shown = step.line.inside ?? step.line;
  const text = story.code[shown.file];
  const lines = Object.keys(text).map(Number).filter((n) => Math.abs(n - shown.number) <= 1);
  const indent = Math.min(...lines.filter((n) => text[n].trim()).map((n) => text[n].search(/\S/)));
  const pre = make("pre", {}, ...lines.map((n) => make(n === shown.number ? "mark" : "span", {}, `${String(n).padStart(4)}  ${text[n].slice(indent)}\n`)));
  return [pre];
}

function whence(line) {
  if (!line) return "";
  const place = ({ file, number }) => `${file.split(/[\\/]/).at(-1)}:${number}`;
  return line.inside ? `${place(line.inside)}, called at ${place(line)}` : place(line);
}

// --- going through it

function show() {
  const step = story.steps[state.at];
  const phase = { given: "Given", forward: "Forward", backward: "Backward" }[step.phase];
  document.body.dataset.phase = step.phase;
  $("where").textContent = `${phase} · step ${state.at} of ${story.steps.length - 1}`;
  $("place").textContent = whence(step.line);
  $("sentence").textContent = step.sentence;
  $("tables").replaceChildren(...tables(step));
  $("code").replaceChildren(...code(step));
  $("step").scrollTop = 0;
  $("slider").value = state.at;
  $("slider").setAttribute("aria-valuetext", `${phase}, step ${state.at}: ${step.sentence}`);
  $("previous").disabled = $("first").disabled = state.at === 0;
  $("next").disabled = $("last").disabled = state.at === story.steps.length - 1;
  for (const button of $("groups").querySelectorAll("button[data-path]"))
    button.setAttribute("aria-pressed", !closed.has(button.dataset.path));
  $("groups").querySelector("[data-follow]")?.setAttribute("aria-pressed", state.follow);
  draw(step);
}

function go(at, keep = false) {
  if (!keep) stop();
  state.at = Math.max(0, Math.min(story.steps.length - 1, at));
  try {
    history.replaceState(null, "", `#step=${state.at}`);
  } catch {
    // inside a sandboxed frame there is no address to write to
  }
  show();
}

function fromAddress() {
  const asked = /^#step=(\d+)$/.exec(location.hash);
  return asked ? Number(asked[1]) : 0;
}

function play() {
  if (state.timer) return stop();
  if (state.at === story.steps.length - 1) go(0);
  $("play").textContent = "Pause";
  $("play").setAttribute("aria-pressed", true);
  const tick = () => {
    go(state.at + 1, true);
    if (state.at === story.steps.length - 1) stop();
    else state.timer = setTimeout(tick, Number($("pace").value));
  };
  state.timer = setTimeout(tick, Number($("pace").value));
}

function stop() {
  clearTimeout(state.timer);
  state.timer = 0;
  $("play").textContent = "Play";
  $("play").setAttribute("aria-pressed", false);
}

const turn = Math.max(0, story.steps.findIndex((step) => step.phase === "backward"));

// The picture as a file of its own: the colours that the page gives it are written into it.
function picture() {
  const svg = $("graph").querySelector("svg");
  const copy = svg.cloneNode(true);
  const written = ["fill", "stroke", "stroke-width", "stroke-dasharray", "font", "text-anchor", "opacity"];
  const [from, to] = [svg, copy].map((root) => [...root.querySelectorAll("*")]);
  from.forEach((element, i) => {
    const style = getComputedStyle(element);
    for (const name of written) to[i].style.setProperty(name, style.getPropertyValue(name));
  });
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.style.background = getComputedStyle(document.body).backgroundColor;
  return new XMLSerializer().serializeToString(copy);
}

function save() {
  const address = URL.createObjectURL(new Blob([picture()], { type: "image/svg+xml" }));
  make("a", { href: address, download: `step${state.at}.svg` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}

const KEYS = {
  ArrowRight: () => go(state.at + 1), PageDown: () => go(state.at + 1),
  ArrowLeft: () => go(state.at - 1), PageUp: () => go(state.at - 1),
  Home: () => go(0), End: () => go(story.steps.length - 1),
  " ": play, b: () => go(turn), f: () => go(0),
};

addEventListener("keydown", (event) => {
  const inside = event.target.closest("select, summary, button");
  const own = event.key === " " ? inside : event.target.closest("select");
  if (own || event.ctrlKey || event.altKey || event.metaKey || !(event.key in KEYS)) return;
  event.preventDefault();
  KEYS[event.key]();
});

for (const [id, act] of Object.entries({
  first: KEYS.Home, previous: KEYS.ArrowLeft, next: KEYS.ArrowRight, last: KEYS.End,
  turn: KEYS.b, play, save,
})) $(id).addEventListener("click", act);
$("slider").max = story.steps.length - 1;
$("slider").addEventListener("input", () => go(Number($("slider").value)));
addEventListener("hashchange", () => go(fromAddress()));
addEventListener("resize", () => fit($("graph").querySelector("svg"), story.steps[state.at]));

const roles = ["input", "parameter", "constant", "computed", "gradient", "result"];
for (const role of roles.filter((role) => story.nodes.some((node) => node.role === role)))
  $("key").append(make("li", { class: role }, role));

if (paths.size) {
  const list = $("groups").querySelector("div");
  const every = (open) => () => {
    state.follow = false;
    closed.clear();
    if (!open) for (const path of paths.keys()) closed.add(path);
    show();
  };
  const follow = () => {
    state.follow = !state.follow;
    if (state.follow) for (const path of paths.keys()) closed.add(path);
    show();
  };
  list.append(make("button", { onclick: every(true) }, "Open all"), make("button", { onclick: every(false) }, "Close all"));
  list.append(make("button", { onclick: follow, "data-follow": "" }, "Open those of the step"));
  for (const [id, path] of paths)
    list.append(make("button", { onclick: () => toggle(id), "data-path": id }, path.join(" › ")));
} else $("groups").hidden = true;

go(fromAddress());
