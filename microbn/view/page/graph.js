// Draws the graph as it is at a step, in SVG.

let drawn = { shown: null, boxes: new Map() }; // the last layout, and what was drawn in it

function draw(step) {
  const parts = state.near ? nearby(step) : visible(step);
  const shown = [...parts.boxes.keys(), state.near && state.at].join(" ");
  const moved = drawn.shown !== shown;
  holdFocus();
  if (moved) {
    drawn = { shown, ...arranged(parts, step) };
    const note = parts.note ? [make("p", {}, parts.note)] : [];
    $("graph").replaceChildren(drawnAnew(step), ...note);
  }
  drawn.svg.setAttribute("aria-label", pictured(step));
  pointNow(step);
  for (const box of drawn.boxes.values()) dress(box, step);
  fit(drawn.svg, step, moved);
  reach(step);
}

// Draws all that stays the same from step to step, in this order.
function drawnAnew(step) {
  const viewBox = `0 0 ${drawn.width} ${drawn.height}`;
  const svg = make("svg", { viewBox, class: viewShown(), role: "group" });
  svg.append(make("defs", {}, arrow("tip", "", 8), arrow("tip-now", "now", 3.6)));
  drawn.arrows = new Map(drawn.links.map((link) => [link, line(link)]));
  drawn.over = new Map(drawn.links.map((link) => [link, broadLine(link)]));
  svg.append(...drawn.groups.map(frame), ...drawn.arrows.values(), ...drawn.over.values());
  svg.append(...[...drawn.boxes.values()].map(drawBox));
  if (state.near) svg.append(...messages(step));
  drawn.stops = stops(svg);
  return (drawn.svg = svg);
}

function pictured(step) {
  const names = step.nodes.map((id) => nodes.get(id).name).join(", ");
  return `${story.nodes.length} values and their uses; this step is about ${cut(names, 80)}`;
}

function arrow(id, kind, size) {
  const tip = make("path", { d: "M 0 0 L 10 5 L 0 10 z", class: `tip ${kind}` });
  const place = { viewBox: "0 0 10 10", refX: 9, refY: 5, orient: "auto-start-reverse" };
  return make("marker", { id, ...place, markerWidth: size, markerHeight: size }, tip);
}

function frame({ x, y, width, height, path }) {
  const said = `the open group ${path.join(", ")}`, click = () => toggle(key(path));
  const reached = { role: "button", "aria-label": said, onclick: click };
  const g = make("g", { class: "frame", "data-id": key(path), ...reached });
  g.append(make("rect", { x, y, width, height, rx: 10 }));
  g.append(label(x + 10, y + 19, "▾ " + cut(path.at(-1), 24)));
  return g;
}

function line(link) {
  const path = make("path", { class: "edge", d: curve(drawn.routes.get(link.id)) });
  path.dataset.uses = link.uses.join(" ");
  path.dataset.link = link.id;
  return path;
}

// Marks the edges of a step. They come last, and so lie on top; in the backward their arrows point
// back, as the messages go.
function pointNow(step) {
  const back = step.phase === "backward", now = [];
  for (const [link, path] of drawn.arrows) {
    const current = link.uses.some((id) => step.edges.includes(id));
    const [end, other] = current && back ? ["start", "end"] : ["end", "start"];
    path.setAttribute(`marker-${end}`, current ? "url(#tip-now)" : "url(#tip)");
    path.removeAttribute(`marker-${other}`);
    path.classList.toggle("now", current);
    if (current) now.push(path);
  }
  const [above] = drawn.over.values();
  above?.before(...now);
}

function curve(points) {
  let d = `M ${points[0].join(" ")}`;
  for (let i = 1; i < points.length; i++) {
    const [[x0, y0], [x1, y1]] = [points[i - 1], points[i]];
    const half = (y1 - y0) / 2;
    d += ` C ${x0} ${y0 + half} ${x1} ${y1 - half} ${x1} ${y1}`;
  }
  return d;
}

function drawBox(box) {
  const { x, y, width, height, title, detail, places } = box;
  const said = box.group ? title : `${box.node.name} ${detail ?? ""} (${box.node.role})`;
  const click = () => (box.group ? toggle(box.group) : visit(box.node.id));
  const spoken = said.replace("▸ ", "the closed group ");
  const g = make("g", { "data-id": box.id, role: "button", "aria-label": spoken, onclick: click });
  g.append(make("title", {}, said), make("rect", { x, y, width, height, rx: 8 }));
  const text = (place, words, kind) => label(x + place[0], y + place[1], words, kind);
  g.append(text(places.title, title, box.group || box.thumb ? "" : "small"));
  if (detail) g.append(text(places.detail, detail, "small"));
  box.thumbs = box.thumb ? thumbsOf(box) : [];
  g.append(...box.thumbs.map((thumb) => thumb.element));
  return (box.element = g);
}

// Brings a box to a step: its value, its gradient so far, and how many parts of the gradient have
// arrived.
function dress(box, step) {
  const now = box.nodes.some((node) => step.nodes.includes(node.id)) ? "now" : "";
  const whole = box.node ? [box.node] : box.nodes;
  const there = whole.some((n) => n.role === "constant" || known.get(n.id) <= state.at);
  const kind = `box ${box.group ? "group" : box.node.role} ${now} ${there ? "" : "later"}`;
  box.element.setAttribute("class", kind);
  const [value, gradient] = box.thumbs;
  if (value) showIn(value, there ? box.node : null, "value");
  if (!gradient) return;
  const soFar = gradientOf(box.node.id), part = soFar?.part;
  showIn(gradient, soFar ?? null, "table");
  const isNews = part?.count && (part.received < part.expected || soFar.at === state.at);
  const old = box.element.querySelector(".sum"), said = isNews ? part.count : "";
  if (said === (old?.textContent ?? "")) return;
  old?.remove();
  if (said) box.element.append(label(box.x + box.width - 4, box.y - 4, said, "sum"));
}

function gradientOf(id) {
  return received.get(id)?.findLast((entry) => entry.at <= state.at);
}
