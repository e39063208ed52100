// A lecture that holds this page in a frame leads it: to a step, a training step or a view, or by a key.
// In return it gets the keys of a presenter's remote, which lead through the lecture.

let led = false;

listenAround(({ key, ...asked }) => {
  led ||= Number.isInteger(asked.at);
  if (Number.isInteger(asked.at)) go(asked.at);
  if (Number.isInteger(asked.training)) film.goTo([asked.at, asked.training]);
  for (const view of ["present", "jacobian"])
    if (view in asked && asked[view] !== Boolean(state[view])) turn(view);
  press(key);
});

// Returns whether a key is for the lecture, and not for what the reader is busy with.
function isForLecture({ key, target }) {
  const busy = target?.closest?.("input, select, td, dialog") || $("keys").open;
  const handed = busy ? ["PageDown", "PageUp"] : ["PageDown", "PageUp", "Escape", "."];
  return led && handed.includes(key);
}

handKeysOn(isForLecture);
