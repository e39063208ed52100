// Reaching everything in the graph: boxes, arrows and frames, by mouse and by keys. An arrow says its
// message when the mouse is on it or the focus.
//
// The Tab key leads to one of them, at first the box of the step. From there ↓ and ↑ lead through all
// of them, in the order of the forward, and Enter does what a click does.

const tip = make("div", { id: "said", hidden: "", "aria-hidden": "true" }); // the arrow says it itself
document.body.append(tip);
let focused = null; // the id of what has the focus, while the graph is drawn again
let redrawn = false; // whether the focus comes back by itself, which opens no message

function holdFocus() {
  focused = document.activeElement?.closest?.("#graph [data-id]")?.dataset.id ?? null;
  tip.hidden = true;
}

// Makes what is drawn reachable at a step.
function reach(step) {
  for (const [link, over] of drawn.over) over.setAttribute("aria-label", messageOf(link).join("; "));
  const all = drawn.stops;
  const now = [...drawn.boxes.values()].find((b) => b.nodes.some((n) => step.nodes.includes(n.id)));
  const at = all.find(({ dataset }) => dataset.id === focused);
  const first = at ?? all.find(({ dataset }) => dataset.id === now?.id) ?? all[0];
  for (const stop of all) stop.setAttribute("tabindex", stop === first ? 0 : -1);
  redrawn = true;
  if (focused !== null) first?.focus({ preventScroll: true });
  redrawn = false;
}

// Makes a broad and invisible line over an arrow, which is easier to hit.
function broadLine(link) {
  const over = make("path", {
    class: "hit", d: curve(drawn.routes.get(link.id)), role: "button", "data-id": link.id,
    onclick: () => visitMessage(link),
    onpointermove: ({ clientX, clientY }) => showTip(link, clientX, clientY),
    onpointerleave: () => (tip.hidden = true), onblur: () => (tip.hidden = true),
    onfocus: () => redrawn || showTip(link, ...middle(over)),
  });
  return over;
}

function middle(path) {
  const { left, top, width, height } = path.getBoundingClientRect();
  return [left + width / 2, top + height / 2];
}

// Returns everything that the keys lead to: each box with its arrows before it, a frame before all.
function stops(svg) {
  const found = new Map([...svg.querySelectorAll("[data-id]")].map((one) => [one.dataset.id, one]));
  const groups = drawn.groups.map(({ id, order, path }) => ({ id, order, depth: path.length - 100 }));
  const boxes = [...drawn.boxes.values()].map(({ id, order }) => ({ id, order, depth: 1 }));
  const orders = new Map(boxes.map(({ id, order }) => [id, order]));
  const arrows = drawn.links.map(({ id, target }) => ({ id, order: orders.get(target), depth: 0 }));
  const all = [...groups, ...boxes, ...arrows];
  all.sort((a, b) => a.order - b.order || a.depth - b.depth);
  return all.map(({ id }) => found.get(id)).filter(Boolean);
}

// Returns what goes back along an arrow, a line for each use that it stands for.
function messageOf({ uses }) {
  const said = uses.slice(0, 3).map((id) => {
    const { source, target } = edgesById.get(id);
    const [from, to] = [nodes.get(source).name, nodes.get(target).name];
    const sent = sentAlong.get(id);
    if (!sent) return `${to} uses ${from}; no gradient comes back`;
    const { rule, summed, count } = sent.part;
    const more = [summed, count && `part ${count}`].filter(Boolean).map((text) => `, ${text}`);
    return `In step ${sent.at}, ${to} sends ${rule} to ${from}${more.join("")}`;
  });
  return uses.length > 3 ? [...said, `and ${uses.length - 3} more`] : said;
}

function visitMessage({ uses }) {
  const sent = uses.map((id) => sentAlong.get(id)).find(Boolean);
  if (sent) go(sent.at);
}

// Shows the message of an arrow beside a place on the screen, with its numbers if it was sent.
function showTip(link, x, y) {
  const lines = messageOf(link).map((text) => make("p", {}, text));
  const [sent, ...more] = link.uses
    .map((id) => sentAlong.get(id))
    .filter((one) => one && one.at <= state.at);
  const name = sent && nodes.get(sent.part.receiver).gradientName;
  tip.replaceChildren(...lines);
  if (sent && !more.length)
    tip.append(numbers(sent.part.gradient, sent.part.count ? "this part" : name));
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(4, Math.min(x + 14, innerWidth - width - 4))}px`;
  tip.style.top = `${y + 18 + height > innerHeight ? Math.max(4, y - height - 12) : y + 18}px`;
}

// A press of the mouse gives no focus, so that the keys remain those of the page.
$("graph").addEventListener("mousedown", (event) => {
  if (event.target.closest("[data-id]")) event.preventDefault();
});

$("graph").addEventListener("keydown", (event) => {
  const stop = event.target.closest("[data-id]");
  const way = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!stop || !(way || [" ", "Enter"].includes(event.key))) return;
  event.preventDefault();
  event.stopPropagation();
  if (!way) return void stop.dispatchEvent(new MouseEvent("click", { bubbles: true }));
  const next = drawn.stops[drawn.stops.indexOf(stop) + way];
  if (!next) return;
  stop.setAttribute("tabindex", -1);
  next.setAttribute("tabindex", 0);
  next.focus();
});
