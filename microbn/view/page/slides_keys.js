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
  w: openWindow,
  h: () => turn("bare"),
};

const HANDED = /^(.|ArrowUp|ArrowDown)$/u; // keys that a live page may know

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
clock.began = history.state?.began ?? null;
const asked = fromAddress();
state.at = Math.max(0, Math.min(slides.length - 1, asked[0]));
state.presses = Math.max(0, Math.min(most(), asked[1]));
greet();
show();
