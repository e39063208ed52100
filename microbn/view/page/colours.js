// The colours of numbers: blue below 0, white at 0, red above 0. Numbers at the same distance from
// 0 are equally dark, and the largest number in a table, or in the tables of a sum, is the darkest.
// Rounding noise is white.

function largest(table) {
  const texts = [...table.rows.flat(), table.low, table.high]; // a large table has a gap
  const sizes = texts.map((text) => Math.abs(Number(text)));
  return Math.max(0, ...sizes.filter(Number.isFinite)) || 1;
}

// Returns the colours of a cell where the largest number is `most`.
function colour(text, most, noise) {
  if (text === "…") return { background: "", ink: "" };
  const size = Math.abs(Number(text)) <= noise ? 0 : Number(text);
  const share = Math.max(-1, Math.min(1, size / most));
  if (!Number.isFinite(share)) return { background: "#444444", ink: "#ffffff" };
  const full = share < 0 ? [33, 102, 172] : [178, 24, 43];
  const parts = full.map((part) => Math.round(255 + (part - 255) * Math.abs(share)));
  const [r, g, b] = parts.map((part) => (part / 255) ** 2.2);
  const light = 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.18; // here black and white ink have the same contrast
  return { background: `rgb(${parts.join(", ")})`, ink: light ? "#000000" : "#ffffff" };
}
