// A lecture that holds this page in a frame leads it: to a step, or by a key. In return it gets the
// keys of a presenter's remote, which lead through the lecture.

let led = false;

listenAround(({ at, present, key }) => {
  led ||= Number.isInteger(at);
  if (Number.isInteger(at)) go(at);
  if (present === true && !state.present) turn("present");
  press(key);
});

handKeysOn(({ key, target }) => {
  const busy = target.closest?.("input, select, td, dialog") || $("keys").open;
  const handed = busy ? ["PageDown", "PageUp"] : ["PageDown", "PageUp", "Escape"];
  return led && handed.includes(key);
});
