// Draws the graph as it is at a step, in SVG.

let drawn = { shown: null }; // the last layout

function draw(step) {
  const { boxes, links, total } = visible(step);
  const shown = [...boxes.keys()].join(" ");
  const moved = drawn.shown !== shown;
  if (moved) {
    const { root, groups } = nested(boxes);
    const routes = layout(root, links);
    drawn = { shown, boxes, links, groups, routes, width: root.width, height: root.height };
  }
  const viewBox = `0 0 ${drawn.width} ${drawn.height}`;
  const svg = make("svg", { viewBox, role: "img", "aria-label": pictured(step) });
  svg.append(make("defs", {}, arrow("tip", "", 8), arrow("tip-now", "now", 3.6)));
  svg.append(...drawn.groups.map(frame), ...lines(step));
  for (const box of drawn.boxes.values()) svg.append(drawBox(box, step));
  $("graph").replaceChildren(svg);
  if (total) $("graph").append(make("p", {}, `${total} values; only those near this step are drawn`));
  fit(svg, step, moved);
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
  const g = make("g", { class: "frame", onclick: () => toggle(key(path)) });
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
  const { x, y, width, height, title, detail } = box;
  const now = box.nodes.some((node) => step.nodes.includes(node.id)) ? "now" : "";
  const there = box.nodes.some((n) => n.role === "constant" || known.get(n.id) <= state.at);
  const kind = `box ${box.group ? "group" : box.node.role} ${now} ${there ? "" : "later"}`;
  const click = () => (box.group ? toggle(box.group) : visit(box.node.id));
  const g = make("g", { class: kind, "data-id": box.id, onclick: click });
  g.append(
    make("title", {}, box.group ? title : `${box.node.name} ${detail ?? ""} (${box.node.role})`),
  );
  g.append(make("rect", { x, y, width, height, rx: 8 }));
  const middle = y + height / 2;
  if (!box.group && !box.thumb) g.append(label(x + PAD, middle + 5, title, "small"));
  else g.append(label(x + PAD, middle + 6, title));
  if (detail) g.append(label(x + PAD + widthOf(title, NAME) + PAD, middle + 6, detail, "small"));
  if (box.thumb) g.append(...thumbs(box, there));
  return g;
}

// Draws a box's value, its gradient so far, and how many parts of the gradient have arrived.
function thumbs(box, there) {
  const left = box.x + box.text + 2 * PAD;
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
  const [top, middle] = [box.y + (box.height - height) / 2, box.y + box.height / 2];
  if (!table) return label(x + width / 2, middle + 5, "–", "dash");
  if (!cell) return label(x + width / 2, middle + 5, table.rows[0]?.[0] ?? "", "number");
  const g = make("g", { class: "heat" });
  const most = largest(table);
  table.rows.forEach((row, i) =>
    row.forEach((text, k) => {
      const place = { x: x + k * cell.width, y: top + i * cell.height, ...cell };
      g.append(make("rect", { ...place, fill: colour(text, most).background }));
    }),
  );
  g.append(make("rect", { x, y: top, width, height, class: "rim" }));
  return g;
}

// Makes the graph as large as fits, but never too small to read; if it does not fit, it scrolls to
// the step.
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
