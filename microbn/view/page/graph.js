// The graph as it is at a step, in SVG.

let drawn = { key: null };

function draw(step) {
  const { boxes, links, hidden } = visible(step);
  const shown = [...boxes.keys()].join(" ");
  const moved = drawn.key !== shown;
  if (moved) {
    const { root, groups } = nested(boxes);
    const routes = layout(root, links);
    drawn = {
      key: shown,
      boxes,
      links,
      groups,
      routes,
      width: root.width,
      height: root.height,
      hidden,
    };
  }
  const svg = make("svg", {
    viewBox: `0 0 ${drawn.width} ${drawn.height}`,
    role: "img",
    "aria-label": pictured(step),
  });
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
  return make(
    "marker",
    {
      id,
      viewBox: "0 0 10 10",
      refX: 9,
      refY: 5,
      markerWidth: size,
      markerHeight: size,
      orient: "auto-start-reverse",
    },
    tip,
  );
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
  const there = box.nodes.some(
    (node) => node.role === "constant" || known.get(node.id) <= state.at,
  );
  const role = box.group ? "group" : box.node.role;
  const kind = `box ${role} ${current ? "now" : ""} ${there ? "" : "later"}`;
  const { x, y, width, height } = box;
  const g = make("g", {
    class: kind,
    onclick: () => (box.group ? toggle(box.group) : visit(box.node.id)),
  });
  g.append(make("title", {}, box.group ? box.title : `${box.node.name}  ${box.detail}`));
  g.append(make("rect", { x, y, width, height, rx: 8 }));
  if (!box.detail && !box.thumb) {
    g.append(make("text", { x: x + 9, y: y + height / 2 + 5, class: "small" }, box.title));
    return g;
  }
  const middle = y + height / 2;
  g.append(
    make("text", { x: x + 12, y: middle - 2 + (box.detail ? 0 : 8), class: "name" }, box.title),
  );
  g.append(make("text", { x: x + 12, y: middle + 16, class: "small" }, box.detail));
  if (box.group) return g;
  const left = x + box.text + 22;
  g.append(thumb(there ? box.node.value : null, box, left));
  if (role !== "constant") {
    const soFar = gradientOf(box.node.id);
    g.append(thumb(soFar?.table ?? null, box, left + box.thumb.width + 10));
    if (soFar?.part && soFar.part.expected > soFar.part.received)
      g.append(
        make(
          "text",
          { x: x + width - 4, y: y - 4, class: "sum" },
          `${soFar.part.received} of ${soFar.part.expected}`,
        ),
      );
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
  if (!cell)
    return make(
      "text",
      { x: x + width / 2, y: middle + 5, class: "number" },
      table.rows[0]?.[0] ?? "",
    );
  const g = make("g", { class: "heat" });
  const most = largest(table);
  table.rows.forEach((row, i) =>
    row.forEach((text, k) =>
      g.append(
        make("rect", {
          x: x + k * cell.width,
          y: middle - height / 2 + i * cell.height,
          width: cell.width,
          height: cell.height,
          fill: colour(text, most).background,
        }),
      ),
    ),
  );
  g.append(make("rect", { x, y: middle - height / 2, width, height, class: "rim" }));
  return g;
}

function largest(table) {
  return (
    Math.max(
      ...table.rows
        .flat()
        .map((text) => Math.abs(Number(text)))
        .filter(Number.isFinite),
      0,
    ) || 1
  );
}

// Blue below 0, white at 0, red above; the same distance from 0 is as dark in both.
function colour(text, most) {
  const share = Math.max(-1, Math.min(1, Number(text) / most));
  if (!Number.isFinite(share)) return { background: "#444444", text: "#ffffff" };
  const full = share < 0 ? [33, 102, 172] : [178, 24, 43];
  const [r, g, b] = full.map((part) => Math.round(255 + (part - 255) * Math.abs(share)));
  return {
    background: `rgb(${r}, ${g}, ${b})`,
    text: Math.abs(share) > 0.55 ? "#ffffff" : "#111111",
  };
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
  const at = story.steps.findIndex(
    (step) => step.nodes.includes(id) && (phase !== "backward" || step.phase === phase),
  );
  if (at >= 0) go(at);
}
