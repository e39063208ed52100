// The colours of numbers: blue below 0, white at 0, red above; the same distance from 0 is as dark
// in both. The scale is that of the table, up to its largest number.

function largest(table) {
  const sizes = table.rows.flat().map((text) => Math.abs(Number(text)));
  return Math.max(0, ...sizes.filter(Number.isFinite)) || 1;
}

function colour(text, most) {
  const share = Math.max(-1, Math.min(1, Number(text) / most));
  if (!Number.isFinite(share)) return { background: "#444444", ink: "#ffffff" };
  const full = share < 0 ? [33, 102, 172] : [178, 24, 43];
  const parts = full.map((part) => Math.round(255 + (part - 255) * Math.abs(share)));
  const [r, g, b] = parts.map((part) => (part / 255) ** 2.2);
  const light = 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.18; // black and white stand out as much
  return { background: `rgb(${parts.join(", ")})`, ink: light ? "#000000" : "#ffffff" };
}
