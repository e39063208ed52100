// A line between two parts of the page, which the mouse and the arrow keys move.

// Makes an element a divider: it sets `variable` of `room` to a share of the room in percent, from
// `least` to `most`. A divider that stands upright moves from left to right.
function makeDivider(element, room, variable, { least, most, usual }) {
  const upright = element.getAttribute("aria-orientation") === "vertical";
  const [back, forth] = upright ? ["ArrowLeft", "ArrowRight"] : ["ArrowUp", "ArrowDown"];

  function move(share) {
    const now = Math.round(Math.min(Math.max(share, least), most));
    room.style.setProperty(variable, `${now}%`);
    element.setAttribute("aria-valuenow", now);
  }

  function drag({ clientX, clientY }) {
    const box = room.getBoundingClientRect();
    move(100 * (upright ? (clientX - box.left) / box.width : (clientY - box.top) / box.height));
  }

  const now = () => Number(element.getAttribute("aria-valuenow"));
  const keys = {
    [back]: () => move(now() - 4), [forth]: () => move(now() + 4),
    Home: () => move(least), End: () => move(most), Enter: () => move(usual),
  };
  element.setAttribute("aria-valuemin", least);
  element.setAttribute("aria-valuemax", most);
  element.addEventListener("keydown", (event) => {
    if (!Object.hasOwn(keys, event.key)) return;
    event.preventDefault();
    keys[event.key]();
  });
  // A frame would take the mouse's moves: while it drags, the divider takes them all.
  element.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    element.setPointerCapture(event.pointerId);
    element.addEventListener("pointermove", drag);
  });
  element.addEventListener("lostpointercapture", () => element.removeEventListener("pointermove", drag));
  element.addEventListener("dblclick", () => move(usual));
  move(usual);
}
