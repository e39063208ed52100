// Zooming and panning the graph: keys, buttons, the wheel with Ctrl, dragging, two fingers. What the
// reader chose stays from step to step, in the whole graph and in the focus view each by itself.

const zooms = { near: 1, whole: 1 }; // times the size that the page would choose
const SIZES = [0.15, 6]; // the smallest and the largest, in pixels for a unit of the drawing
let opening = true; // until the reader goes on or zooms, the whole graph is seen, however small
let kept = null; // what is kept while a step is drawn: where the graph is scrolled to

function viewShown() {
  return state.near ? "near" : "whole";
}

// Returns the size that the page would choose: as large as fits, but never too small to read.
function usualSize() {
  return Math.max(wholeSize(), least());
}

// Returns the size at which the whole graph is seen.
function wholeSize() {
  const room = $("graph");
  const note = room.querySelector("p")?.offsetHeight ?? 0;
  return sizeAt(room.clientWidth, room.clientHeight - note);
}

function shownSize() {
  const size = opening && !state.near ? wholeSize() : usualSize() * zooms[viewShown()];
  return Math.max(SIZES[0], Math.min(SIZES[1], size));
}

function resize(svg, size) {
  if (drawn.size === size) return;
  drawn.size = size;
  svg.setAttribute("width", drawn.width * size);
  svg.setAttribute("height", drawn.height * size);
}

// Changes the size by a factor. The place at x, y on the screen stays where it is.
function zoomBy(factor, x, y) {
  const room = $("graph").getBoundingClientRect();
  const at = [x ?? room.left + room.width / 2, y ?? room.top + room.height / 2];
  const svg = $("graph").querySelector("svg");
  const before = svg.getBoundingClientRect();
  const size = Math.max(SIZES[0], Math.min(SIZES[1], shownSize() * factor));
  setZoom(size / usualSize());
  resize(svg, size);
  const after = svg.getBoundingClientRect();
  $("graph").scrollBy({
    left: after.left + ((at[0] - before.left) / before.width) * after.width - at[0],
    top: after.top + ((at[1] - before.top) / before.height) * after.height - at[1],
    behavior: "instant",
  });
  paintSeen();
}

// Shows the whole graph or, if it is seen whole or nearly so, returns to the usual size.
function zoomToFit() {
  const [now, whole, usual] = [shownSize(), wholeSize(), usualSize()];
  const there = Math.abs(now / whole - 1) < 0.01;
  setZoom(there ? 1 : whole / usual);
  show();
}

function setZoom(times) {
  zooms[viewShown()] = times;
  opening = false;
}

// Remembers where the graph is scrolled to, before it is drawn again.
function hold() {
  const { scrollLeft: left, scrollTop: top } = $("graph");
  kept = { left, top };
}

// Returns where to scroll to so that a box is seen: nowhere else, if it is in sight and the reader
// zoomed, or else to its middle.
function placeFor({ x, y, width, height }, size, moved) {
  const room = $("graph");
  const inside = (start, length, from, sight) =>
    start * size >= from && (start + length) * size <= from + sight;
  const seen =
    kept &&
    inside(x, width, kept.left, room.clientWidth) &&
    inside(y, height, kept.top, room.clientHeight);
  if (zooms[viewShown()] !== 1 && seen) return { ...kept, behavior: "instant" };
  return {
    left: (x + width / 2) * size - room.clientWidth / 2,
    top: (y + height / 2) * size - room.clientHeight / 2,
    behavior: moved ? "instant" : "auto",
  };
}

$("graph").addEventListener(
  "wheel",
  (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    zoomBy(Math.exp(-event.deltaY / 300), event.clientX, event.clientY);
  },
  { passive: false },
);

// The mouse drags the graph. A press that hardly moves remains a click.
let drag = null;
$("graph").addEventListener("pointerdown", ({ pointerType, button, clientX, clientY }) => {
  if (pointerType === "mouse" && button === 0) drag = { x: clientX, y: clientY, begun: false };
});
$("graph").addEventListener("pointermove", ({ pointerId, clientX, clientY, buttons }) => {
  if (!drag || !(buttons & 1)) return (drag = null);
  if (!drag.begun && Math.hypot(clientX - drag.x, clientY - drag.y) < 5) return undefined;
  if (!drag.begun) $("graph").setPointerCapture(pointerId); // so that no box is clicked at the end
  $("graph").scrollBy({ left: drag.x - clientX, top: drag.y - clientY, behavior: "instant" });
  return (drag = { x: clientX, y: clientY, begun: true });
});
addEventListener("pointerup", () => (drag = null));

// Two fingers zoom; one finger scrolls, as everywhere.
let fingers = 0; // how far apart they are
$("graph").addEventListener(
  "touchmove",
  (event) => {
    if (event.touches.length !== 2) return;
    event.preventDefault();
    const [one, other] = event.touches;
    const apart = Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
    const [x, y] = [(one.clientX + other.clientX) / 2, (one.clientY + other.clientY) / 2];
    if (fingers && apart) zoomBy(apart / fingers, x, y);
    fingers = apart;
  },
  { passive: false },
);
for (const name of ["touchend", "touchcancel"])
  $("graph").addEventListener(name, () => (fingers = 0));
