// The small heatmaps and numbers in the boxes. One is made anew only if it shows something else, and if
// it is a heatmap, it gets other colours. A heatmap that is out of sight waits until it comes into
// sight.

const NEARLY = 200; // pixels: so far out of sight a heatmap is painted already
const waiting = new Set(); // the heatmaps that are not painted yet

// Returns the thumbs of a box: of its value, and of its gradient if it can have one.
function thumbsOf(box) {
  const left = box.x + box.places.thumbs[0], step = box.thumb.width + PAD;
  const lefts = box.node.role === "constant" ? [left] : [left, left + step];
  return lefts.map((x) => ({ element: make("g"), box, x, cells: [], fills: [] }));
}

// Shows the table that its owner has under a name, or a dash if nothing is computed yet.
function showIn(thumb, owner, name) {
  if (thumb.owner === owner && thumb.edition === edition) return;
  Object.assign(thumb, { owner, name, edition });
  const { element, box, x } = thumb, { width, height, cell } = box.thumb;
  const top = box.y + box.places.thumbs[1];
  if (owner && cell) {
    if (!thumb.cells.length) element.replaceChildren(); // a dash
    return void waiting.add(thumb);
  }
  waiting.delete(thumb);
  [thumb.cells, thumb.fills] = [[], []];
  element.removeAttribute("class");
  const base = top + height / 2 + (state.near ? 8 : 5);
  const words = owner ? (owner[name].rows[0]?.[0] ?? "") : "–", kind = owner ? "number" : "dash";
  if (element.textContent !== words || !element.querySelector(`.${kind}`))
    element.replaceChildren(label(x + width / 2, base, words, kind));
}

// Paints the heatmaps in sight.
function paintSeen() {
  const { scrollLeft, scrollTop, clientWidth, clientHeight } = $("graph"), { size } = drawn;
  const overlaps = (start, length, from, sight) =>
    (start + length) * size > from - NEARLY && start * size < from + sight + NEARLY;
  for (const thumb of waiting) {
    const { x, y, width, height, element } = thumb.box;
    if (!element.isConnected) waiting.delete(thumb);
    else if (overlaps(x, width, scrollLeft, clientWidth) && overlaps(y, height, scrollTop, clientHeight))
      paint(thumb);
  }
}

function paintAll() {
  waiting.forEach(paint);
}

function paint(thumb) {
  waiting.delete(thumb);
  const { element, owner, name } = thumb, table = owner[name];
  const shown = heat(table), most = largest(shown);
  const fills = shown.rows.flat().map((text) => colour(text, most, table.noise).background);
  if (thumb.cells.length !== fills.length || !element.matches(".heat")) frameCells(thumb, shown.rows);
  thumb.cells.forEach((cell, i) => {
    if (thumb.fills[i] !== fills[i]) cell.setAttribute("fill", fills[i]);
  });
  thumb.fills = fills;
}

function frameCells(thumb, rows) {
  const { element, box, x } = thumb, { width, height, cell } = box.thumb;
  const y = box.y + box.places.thumbs[1];
  thumb.cells = rows.flatMap((row, i) =>
    row.map((_, k) => make("rect", { x: x + k * cell.width, y: y + i * cell.height, ...cell })),
  );
  thumb.fills = [];
  element.setAttribute("class", "heat");
  element.replaceChildren(...thumb.cells, make("rect", { x, y, width, height, class: "rim" }));
}

$("graph").addEventListener("scroll", paintSeen);
addEventListener("beforeprint", paintAll);
