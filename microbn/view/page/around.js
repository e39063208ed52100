// What stands around this page if it is in a frame: a lecture, two stories in step, or a notebook. Both
// sides send objects, such as { at: 3 } for a step and { key: "z" } for a key. The script after this one
// says what they mean: remote.js, pane.js or notebook.js.

function tellAround(message) {
  parent.postMessage(message, "*");
}

// Calls a function with each message from around, and with no other window's.
function listenAround(hear) {
  addEventListener("message", ({ source, data }) => {
    if (parent !== window && source === parent && data) hear(data);
  });
}

// Hands a key on to the page around, before this page can use it, if `isForAround` says so.
function handKeysOn(isForAround) {
  const hand = (event) => {
    if (!isForAround(event)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    tellAround({ key: event.key });
  };
  addEventListener("keydown", hand, true);
}

// Does what a key does while presenting.
function press(key) {
  if (Object.hasOwn(PRESENTING, key)) PRESENTING[key]();
}
