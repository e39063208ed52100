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
  ["h", "hide the bar"],
  ["z  m  j  b  f", "on a story: the focus, mathematics, a Jacobian, the backward, the forward"],
  ["?", "this list; after a click into a story, the list of all its keys"],
]);

const HANDED = /^(.|ArrowUp|ArrowDown)$/u; // keys that a framed story may know

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const typing = event.target.closest("input");
  if (typing && (event.key === "Escape" || event.key === "Enter")) typing.blur();
  if (typing && !event.key.startsWith("Page")) return;
  if (event.key === " " && event.target.closest("button")) return;
  if (Object.hasOwn(KEYS, event.key)) KEYS[event.key]();
  else if (!HANDED.test(event.key) || !handOn(event.key)) return;
  event.preventDefault();
});

// A button that was used with the mouse gives the keys back to the page.
addEventListener("click", (event) => {
  if (event.detail) event.target.closest("button")?.blur();
});

for (const button of document.querySelectorAll("#bar button"))
  button.addEventListener("click", KEYS[button.dataset.key]);
addEventListener("hashchange", () => location.hash !== "#speaker" && go(...fromAddress()));

document.body.classList.add("running");
setClock(history.state ?? {});
const asked = fromAddress();
state.at = Math.max(0, Math.min(slides.length - 1, asked[0]));
state.presses = Math.max(0, Math.min(most(), asked[1]));
greet();
show();
