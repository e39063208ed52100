// The keys and the buttons of the deck.

const KEYS = {
  ArrowRight: forth,
  PageDown: forth,
  " ": forth,
  ArrowLeft: back,
  PageUp: back,
  Home: () => go(0),
  End: () => go(slides.length - 1, Infinity),
  n: () => turn("noted"),
  p: () => turn("speaking"),
  t: turnClock,
  T: clearClock,
  w: openWindow,
  h: () => turn("bare"),
  b: turnBlank,
  ".": turnBlank,
  Escape: () => state.bare && turn("bare"),
  "?": toggleKeys,
};

listKeys([
  ["→  Page Down  Space", "go on: the next step of a story, the answer of a vote, the next slide"],
  ["←  Page Up", "go back in the same way"],
  ["Home  End", "the first slide, the last"],
  ["n", "your notes"],
  ["p", "the presenter's view: this slide, the next one, the notes"],
  ["w", "a second window with the presenter's view"],
  ["t", "start the clock, pause it, let it go on"],
  ["T", "set the clock to 0"],
  ["h", "hide the bar; Escape shows it again"],
  [".  b", "a blank screen; any key brings the slide back"],
  ["Enter  Escape", "leave a box of a vote, and so do → after its last digit and ← before its first"],
  ["z  m  j  f", "on a story: the focus, mathematics, a Jacobian, the forward"],
  ["?", "this list; after a click into a story, the list of all its keys"],
]);

const IGNORED = /^(F\d+|Shift|Control|Alt|Meta|AltGraph|CapsLock|Unidentified)$/;
const HANDED = /^(.|ArrowUp|ArrowDown)$/u; // keys that a framed story may know

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (IGNORED.test(event.key)) return;
  const typing = event.target.closest("input");
  if (typing && !state.blank && isForBox(event)) return;
  if ((event.key === " " || event.key === "Enter") && event.target.closest("button")) return;
  if (state.blank) turnBlank();
  else if (typing && (event.key === "Escape" || event.key === "Enter")) leaveBox();
  else if (Object.hasOwn(KEYS, event.key)) KEYS[event.key]();
  else if (!typing && (!HANDED.test(event.key) || !handOn(event.key))) return;
  event.preventDefault();
});
$("blank").addEventListener("click", turnBlank);

// A button that was used with the mouse gives the keys back to the page.
addEventListener("click", (event) => {
  if (event.detail) event.target.closest("button")?.blur();
});

for (const button of document.querySelectorAll("button[data-key]"))
  button.addEventListener("click", KEYS[button.dataset.key]);
addEventListener("hashchange", () => isSpeaker() || go(...fromAddress()));

document.body.classList.add("running");
restore(history.state ?? {});
greet();
show();
