// A matrix that is too large for numbers that can be read: it is shown in colours, and each entry is
// told in words when the mouse is on it or the focus. The Tab key leads to one entry, and from there
// the arrow keys lead to all of them.

// How a matrix is shown, the first way that fits: as numbers with names, as colours with names, or as
// colours alone. After each way stand its sizes, of the type or of a cell, in rem.
const WAYS = [
  ["figures", [1.42, 1.25, 1.1, 1, 0.92]],
  ["painted", [2.2, 1.8, 1.5, 1.3, 1.15]],
  ["painted bare", [1.6, 1.3, 1, 0.8, 0.65, 0.5, 0.4, 0.3]],
];

// Makes the entries of a matrix reachable. Returns where they are told.
function explored(table, nameOf, rows) {
  const told = make("p", { class: "entry", role: "status" }, "Point at an entry, or go to it by Tab and arrow keys.");
  const lines = [...table.rows].slice(1).map((line) => [...line.querySelectorAll("td")]);
  const tell = (i, k) => (told.textContent = `${nameOf(i, k)} = ${spokenEntry(rows[i][k])}`);
  lines.forEach((line, i) =>
    line.forEach((cell, k) => {
      cell.setAttribute("aria-label", `${nameOf(i, k)}: ${spokenEntry(rows[i][k])}`);
      cell.tabIndex = i || k ? -1 : 0;
      cell.addEventListener("pointerenter", () => tell(i, k));
      cell.addEventListener("focus", () => tell(i, k));
      cell.addEventListener("keydown", (event) => moveInMatrix(event, lines, i, k));
    }),
  );
  return told;
}

function spokenEntry(text) {
  return text === "~" ? "nearly 0" : text;
}

function moveInMatrix(event, lines, i, k) {
  const ways = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  const way = ways[event.key];
  if (event.key === "Escape") event.target.blur();
  if (!way || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  event.stopPropagation();
  const next = lines[i + way[0]]?.[k + way[1]];
  if (!next) return;
  event.target.tabIndex = -1;
  next.tabIndex = 0;
  next.focus();
}

// Shows a matrix in the first way, and in the largest size, in which all of it fits.
function fitMatrix(panel) {
  const table = panel.querySelector("table.jacobian");
  if (!table) return;
  const figure = table.parentElement;
  const fits = () => (stacked.matches && !story.pane ? !isWide(figure) : fitsIn(panel));
  for (const [way, sizes] of WAYS)
    for (const size of sizes) {
      table.classList.remove("figures", "painted", "bare");
      table.classList.add(...way.split(" "));
      table.style.setProperty("--size", `${size}rem`);
      if (fits()) return;
    }
}

// Returns whether a matrix is shown in colours alone, or with names but without numbers.
function isPainted(panel) {
  return panel.querySelector(".painted") !== null;
}
