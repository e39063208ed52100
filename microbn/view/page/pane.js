// A story in a frame beside another. The page around both says which step to show, and is told the
// keys that are pressed here.

document.title = story.pane.title;
state.near = true;
$("where").before(make("h1", {}, story.pane.title));
$("sentence").before(make("p", { id: "lacks" }));

let asked = 0; // the step that the page around both has asked for

listenAround(({ at, lacks, near, maths, jacobian, key }) => {
  if (key) return press(key);
  Object.assign(state, { near, maths, jacobian });
  $("lacks").textContent = lacks;
  document.body.classList.toggle("waiting", Boolean(lacks));
  asked = at;
  go(at);
});

// Returns whether a key is for what has the focus: a button, or a box of the graph.
function isForFocus({ key, target }) {
  if (key === " ") return target.closest("button, summary, select");
  if (key.startsWith("Arrow") && target.closest("table.jacobian")) return true;
  if (key === "ArrowUp" || key === "ArrowDown") return target.closest("#graph [data-id]");
  if (key === "Escape") return $("groups").open || $("words").open;
  return key === "Tab" || key === "Enter";
}

handKeysOn((event) => !(event.ctrlKey || event.altKey || event.metaKey || isForFocus(event)));

// Marks what differs from the value, or in the backward the gradient, of the same name on the other
// side: its box and its tables.
function mark() {
  if (state.at !== asked) tellAround({ at: state.at }); // a click has led to another step
  const backward = story.steps[state.at].phase === "backward";
  for (const old of drawn.svg.querySelectorAll(".differs")) old.remove();
  for (const box of drawn.boxes.values()) {
    const { id } = box.node ?? {};
    const apart = story.pane.differs[id]?.[backward ? "gradient" : "value"];
    if (apart && (backward ? isComplete(id) : known.get(id) <= state.at))
      drawn.svg.append(label(box.x + box.width + 4, box.y + 20, "≠", "differs"));
  }
  for (const table of $("tables").querySelectorAll("table")) {
    const words = table.caption.firstChild;
    const name = words.firstChild.textContent.replace(/, \d+ of \d+$/, "");
    const apart = differences.get(name);
    if (apart && (name === words.firstChild.textContent || table.classList.contains("whole")))
      words.append(make("span", { class: "differs" }, ` off by ${apart}`));
  }
  fill(); // the marks need room
}

// How far values and gradients are from those on the other side, by their names.
const differences = new Map();
for (const [id, { value, gradient }] of Object.entries(story.pane.differs)) {
  const { name, gradientName } = nodes.get(id);
  if (value) differences.set(name, value);
  if (gradient) differences.set(gradientName, gradient);
}

function isComplete(id) {
  const found = received.get(id);
  return found?.at(-1).at <= state.at;
}

// Whenever the page shows a step, it says the phase.
new MutationObserver(mark).observe(document.body, { attributeFilter: ["data-phase"] });
tellAround({ ready: true });
