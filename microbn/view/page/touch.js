// A finger that is drawn across a slide leads on or back. In a live story fingers are the story's.

const FAR = 50; // pixels
let touched = null; // where the finger began

// Returns whether a finger moves the part that it lies on, or the page, instead of the slide.
function movesUnder(part) {
  if (visualViewport.scale > 1.01 || part.closest("input, #bar, dialog")) return true;
  for (let one = part; one?.closest(".slide"); one = one.parentElement)
    if (one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).overflowX === "auto") return true;
  return false;
}

addEventListener("touchstart", ({ touches: [one, second], target }) => {
  touched = second || movesUnder(target) ? null : { x: one.clientX, y: one.clientY };
});

addEventListener("touchend", ({ changedTouches: [{ clientX, clientY }] }) => {
  const [across, down] = touched ? [clientX - touched.x, clientY - touched.y] : [0, 0];
  touched = null;
  if (state.blank || Math.abs(across) < FAR || Math.abs(across) < 2 * Math.abs(down)) return;
  if (across < 0) forth();
  else back();
});
