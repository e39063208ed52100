// The keys of a story, for the list of the keys.

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
