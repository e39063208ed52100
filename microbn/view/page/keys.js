// The list of the keys, which ? opens and closes.

const KEY_HELP = [
  ["→  Page Down", "the next step"],
  ["←  Page Up", "the step before"],
  ["Home  End", "the first step, the last"],
  ["f  b", "the start of the forward, of the backward"],
  ["Space", "play, pause"],
  ["z", "the focus or the whole graph"],
  ["m", "mathematics or code"],
  ["j", "a Jacobian or the tables"],
  ["w", "what the words of this step mean"],
  ["c", "sliders for numbers; click on a cell to type a number"],
  ["r", "reset all numbers"],
  ["p", "present; Escape ends it"],
  ["↓  ↑", "while presenting, scroll the step"],
  ["+  −", "a larger graph, a smaller one; so does the wheel with Ctrl"],
  ["0", "fit the whole graph in; again: the usual size"],
  ["Tab", "to the graph, its boxes, the step, the buttons"],
  ["↓  ↑  Enter", "on a box: to the next box, arrow or group; go there or open it"],
  ["?", "this list"],
];

const keyList = $("keys");

function listKeys(lines) {
  const rows = lines.map(([keys, does]) => {
    const shown = keys.split("  ").map((key) => make("kbd", {}, key));
    const head = make("th", { scope: "row" }, ...shown.flatMap((key) => [key, " "]));
    return make("tr", {}, head, make("td", {}, does));
  });
  keyList.querySelector("tbody").append(...rows);
}

function toggleKeys() {
  if (keyList.open) keyList.close();
  else keyList.showModal();
}

// While the list is open, the page's other keys rest. A click beside it closes it.
addEventListener(
  "keydown",
  (event) => {
    if (!keyList.open) return;
    if (event.key === "?") toggleKeys();
    event.stopPropagation();
  },
  { capture: true },
);
keyList.addEventListener("click", (event) => event.target === keyList && keyList.close());
