// The list of a page's keys, which ? opens and closes. Each page says what stands in it.

const keyList = make(
  "dialog",
  { id: "keys", "aria-labelledby": "keys-title" },
  make("form", { method: "dialog" }, make("h2", { id: "keys-title" }, "Keys"), make("button", {}, "Close")),
  make("table", {}, make("tbody")),
);
document.body.append(keyList);

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
