// Draws the graph as it is at a step, in SVG.

let drawn = { shown: null }; // the last layout

function draw(step) {
  const parts = state.near ? nearby(step) : visible(step);
  const { note } = parts;
  const shown = [...parts.boxes.keys(), state.near && state.at].join(" ");
  const moved = drawn.shown !== shown;
  if (moved) drawn = { shown, ...arranged(parts, step) };
  const viewBox = `0 0 ${drawn.width} ${drawn.height}`;
  const kind = state.near ? "near" : "whole";
  const svg = make("svg", { viewBox, class: kind, role: "group", "aria-label": pictured(step) });
  svg.append(make("defs", {}, arrow("tip", "", 8), arrow("tip-now", "now", 3.6)));
  svg.append(...drawn.groups.map(frame), ...lines(step));
  for (const box of drawn.boxes.values()) svg.append(drawBox(box, step));
  if (state.near) svg.append(...messages(step));
  hold();
  holdFocus();
  $("graph").replaceChildren(svg);
  if (note) $("graph").append(make("p", {}, note));
  fit(svg, step, moved);
  reach(svg, step);
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
  const g = make("g", { class: "frame", "data-id": key(path), onclick: () => toggle(key(path)) });
  g.append(make("rect", { x, y, width, height, rx: 10 }));
  g.append(label(x + 10, y + 19, "▾ " + cut(path.at(-1), 24)));
  return g;
}

function label(x, y, text, kind = "") {
  return make("text", { x, y, class: kind }, text);
}

// Returns the edges. Those of the step come last, and so lie on top; in the backward their arrows
// point back, as the messages go.
function lines(step) {
  const back = step.phase === "backward";
  const [now, others] = [[], []];
  for (const link of drawn.links) {
    const path = make("path", { class: "edge", d: curve(drawn.routes.get(link.id)) });
    path.dataset.uses = link.uses.join(" ");
    path.dataset.link = link.id;
    const current = link.uses.some((id) => step.edges.includes(id));
    path.setAttribute(
      current && back ? "marker-start" : "marker-end",
      current ? "url(#tip-now)" : "url(#tip)",
    );
    path.classList.toggle("now", current);
    (current ? now : others).push(path);
  }
  return [...others, ...now];
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

function drawBox(box, step) {
  const { x, y, width, height, title, detail, places } = box;
  const now = box.nodes.some((node) => step.nodes.includes(node.id)) ? "now" : "";
  const whole = box.node ? [box.node] : box.nodes;
  const there = whole.some((n) => n.role === "constant" || known.get(n.id) <= state.at);
  const kind = `box ${box.group ? "group" : box.node.role} ${now} ${there ? "" : "later"}`;
  const click = () => (box.group ? toggle(box.group) : visit(box.node.id));
  const g = make("g", { class: kind, "data-id": box.id, onclick: click });
  g.append(
    make("title", {}, box.group ? title : `${box.node.name} ${detail ?? ""} (${box.node.role})`),
  );
  g.append(make("rect", { x, y, width, height, rx: 8 }));
  const text = (place, words, kind) => label(x + place[0], y + place[1], words, kind);
  g.append(text(places.title, title, box.group || box.thumb ? "" : "small"));
  if (detail) g.append(text(places.detail, detail, "small"));
  if (box.thumb) g.append(...thumbs(box, there));
  return g;
}

// Draws a box's value, its gradient so far, and how many parts of the gradient have arrived.
function thumbs(box, there) {
  const left = box.x + box.places.thumbs[0];
  const found = [thumb(there ? box.node.value : null, box, left)];
  if (box.node.role === "constant") return found;
  const soFar = gradientOf(box.node.id);
  found.push(thumb(soFar?.table ?? null, box, left + box.thumb.width + PAD));
  const part = soFar?.part;
  if (part?.count && (part.received < part.expected || soFar.at === state.at))
    found.push(label(box.x + box.width - 4, box.y - 4, part.count, "sum"));
  return found;
}

function gradientOf(id) {
  return (received.get(id) ?? []).filter((entry) => entry.at <= state.at).at(-1);
}

// Draws a small heatmap, or a single number, or a dash if nothing is computed yet.
function thumb(table, box, x) {
  const { width, height, cell } = box.thumb;
  const top = box.y + box.places.thumbs[1];
  const base = top + height / 2 + (state.near ? 8 : 5);
  if (!table) return label(x + width / 2, base, "–", "dash");
  if (!cell) return label(x + width / 2, base, table.rows[0]?.[0] ?? "", "number");
  const g = make("g", { class: "heat" });
  const shown = heat(table);
  const most = largest(shown);
  shown.rows.forEach((row, i) =>
    row.forEach((text, k) => {
      const place = { x: x + k * cell.width, y: top + i * cell.height, ...cell };
      g.append(make("rect", { ...place, fill: colour(text, most, table.noise).background }));
    }),
  );
  g.append(make("rect", { x, y: top, width, height, class: "rim" }));
  return g;
}
