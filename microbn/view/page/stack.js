// Makes room for a graph that is too broad to be seen whole: broad boxes get their numbers below
// their names.

const NUMBER = "600 15px ui-monospace, monospace"; // as in page.css
const BROAD = [Infinity, 260, 220, 180, 0]; // boxes broader than this are stacked, in a later try more
let broad = Infinity;

// Lays out the boxes as they are or, if they are cut at a side then, in the first way in which they
// are not.
function arranged({ boxes, links, stack }, step) {
  const tries = state.near ? [Infinity] : BROAD;
  const attempt = (most) => {
    broad = most;
    const { root, groups } = nested(boxes, step);
    const routes = layout(root, [...links, ...stack], state.near ? LARGE_GAP : ROW_GAP);
    return { boxes, links, groups, routes, width: root.width, height: root.height };
  };
  for (const most of tries) {
    const made = attempt(most);
    if (fitsWhole(made) || fitsAcross(made)) return made;
  }
  return attempt(Infinity);
}

function fitsAcross({ width }) {
  const room = $("main").clientWidth * (stacked.matches ? 1 : MOST_ACROSS) - 16;
  return width * least() <= room;
}

// Returns whether a layout can be read in the room that the graph can get.
function fitsWhole({ width, height }) {
  const room = $("main").clientWidth * MOST_WHOLE - 16;
  return width * least() <= room && height * least() <= $("graph").clientHeight;
}

// Sets the numbers of a box below its name, if it is too broad.
function stackUp(box) {
  if (!box.thumb || box.width <= broad) return box;
  const { thumb, places } = box;
  const numbers = box.node.role === "constant" ? thumb.width : 2 * thumb.width + PAD;
  const text = places.thumbs[0] - 2 * PAD;
  const width = Math.max(text, numbers) + 2 * PAD;
  const [title, detail] = [places.title, places.detail].map(([x]) => [x, 22]);
  const stood = { title, detail, thumbs: [(width - numbers) / 2, 31] };
  return Object.assign(box, { width, height: 31 + thumb.height + 6, places: stood });
}

// Returns the width of the longest number that a scalar's value and gradient ever are.
function numberWidth(node) {
  const shown = [node.value, ...(received.get(node.id) ?? []).map((entry) => entry.table)];
  return Math.max(62, ...shown.map(({ rows }) => widthOf(rows[0]?.[0] ?? "", NUMBER)));
}

// Returns whether a box needs another place than it has: it has another name now, or its number has
// become too long. A box that has room to spare stays.
function isOutgrown({ node, title, thumb }) {
  if (!node) return false;
  const isNumber = thumb && !thumb.cell && !state.near;
  return title.replace("▸ ", "") !== cut(node.name, 22) || (isNumber && numberWidth(node) > thumb.width);
}
