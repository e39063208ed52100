// Who gets which room: the graph and the panel beside each other, and the type in the panel.

const NUMBERS = [1, 1.2, 1.4, 1.7, 2, 2.2, 2.4, 2.7, 3];
const SMALLER = [0.9, 0.8, 0.7];
const WORDS = [1, 1.2, 1.4, 1.6];
// 10 pt and 17 pt at 1280 x 720, less above a film's losses and on a small screen.
const LEAST = { whole: 13.4 / 15, near: 1, film: 0.75, small: 0.6 };
const stacked = matchMedia("(max-width: 800px), (max-height: 520px)");

// Returns by how much all type grows with the window: it is 1 at 1280 x 720.
function unit() {
  return parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;
}

const MOST_ACROSS = 0.45; // of the window, for the graph
const MOST_WHOLE = 0.52; // the same, if it is seen whole then

// Gives the graph the width that it needs at the full height, from 30% of the window to 45%, or to
// 52% if it is seen whole then. Where the graph changes with the step, its width does not, so that
// the panel stays where it is.
function divide() {
  const width = $("main").clientWidth;
  const size = Math.max(sizeAt(Infinity, $("graph").clientHeight), least());
  const wish = state.near || state.follow === true ? 1 : (drawn.width * size + 16) / width;
  const whole = !state.near && state.follow !== true && fitsWhole(drawn);
  const needed = whole ? (drawn.width * least() + 16) / width : 0;
  const most = state.near ? 0.44 : Math.max(MOST_ACROSS, needed);
  const share = `${100 * Math.min(Math.max(wish, 0.3), most)}%`;
  const { style } = $("main");
  if (style.getPropertyValue("--graph") !== share) style.setProperty("--graph", share);
}

function least() {
  if (!state.near) return unit() * LEAST.whole;
  return unit() * (stacked.matches ? LEAST.small : story.film ? LEAST.film : LEAST.near);
}

function sizeAt(width, height) {
  return Math.min(1.5 * unit(), width / drawn.width, height / drawn.height);
}

// Makes the graph as large as fits and as the reader wants it; if it is larger, it scrolls to the
// step.
function fit(svg, step, moved = true) {
  divide();
  const room = $("graph");
  const size = shownSize();
  resize(svg, size);
  const box = [...drawn.boxes.values()].find((b) => b.nodes.some((n) => step.nodes.includes(n.id)));
  if (box) room.scrollTo(placeFor(box, size, moved));
  paintSeen();
}

// Lets the numbers in the panel grow until it is well filled, and if it is half empty then, the
// words. If even the smallest type is too large, the values that are only read come last, or beside
// the gradient if everything fits then. A panel that stays half empty shrinks.
function fill() {
  const panel = $("step");
  panel.classList.remove("tight", "beside", "short");
  panel.style.setProperty("--say", 1);
  panel.style.setProperty("--grow", 1);
  if (!stacked.matches || story.pane) {
    fitMatrix(panel);
    panel.classList.toggle("tight", !fitsIn(panel) || isPainted(panel));
    fitMatrix(panel);
    panel.classList.toggle("beside", !fitsIn(panel));
    if (!fitsIn(panel)) panel.classList.remove("beside");
    if (fitsIn(panel)) grow(panel, "--grow", NUMBERS, 0.7);
    else if (live && !bar.hidden) shrink(panel);
    grow(panel, "--say", WORDS, 0.5);
    panel.classList.toggle("short", filled(panel) < 0.5);
  }
  else fitMatrix(panel);
  for (const part of panel.querySelectorAll("pre, figure, #formulas"))
    // so that the keyboard can scroll it too
    if (isWide(part)) part.tabIndex = 0;
    else part.removeAttribute("tabindex");
}

// Sets a size to the smallest that fills the panel so far, or to the largest that fits.
function grow(panel, name, sizes, enough) {
  for (let i = 1; i < sizes.length && filled(panel) < enough; i++) {
    panel.style.setProperty(name, sizes[i]);
    if (fitsIn(panel)) continue;
    panel.style.setProperty(name, sizes[i - 1]);
    return;
  }
}

// Makes the numbers smaller where the sliders would cover them otherwise.
function shrink(panel) {
  for (const size of SMALLER) {
    if (fitsIn(panel)) return;
    panel.style.setProperty("--grow", size);
  }
  if (!fitsIn(panel)) panel.style.setProperty("--grow", 1);
}

// Returns which part of the panel's height has something in it.
function filled(panel) {
  const room = panel.getBoundingClientRect();
  return ($("tables").getBoundingClientRect().bottom - room.top) / room.height;
}

function fitsIn(panel) {
  if (panel.scrollHeight > panel.clientHeight || isWide(panel)) return false;
  return ![...panel.querySelectorAll("figure, #formulas")].some(isWide);
}

function isWide(part) {
  return part.scrollWidth > part.clientWidth + 1;
}
