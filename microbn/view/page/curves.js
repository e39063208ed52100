// Curves over the steps of a training, for a film and for the playground.

// Draws curves with their names at their ends, and a mark at the step `at`. A curve is {points, kind,
// name}, its points are [step, level]; `ticks` are [level, text]. Returns the picture, and how steps
// and levels become places in it. Levels above the highest stay at its rim.
function curves(plot, { steps, levels: [low, high], ticks, lines, at, said }) {
  const { width, height, left, right, top, bottom, type } = plot;
  const base = height - bottom;
  const x = (step) => left + (step * (width - left - right)) / Math.max(1, steps);
  const y = (level) => base - ((Math.min(level, high) - low) * (base - top)) / (high - low || 1);
  const svg = make("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": said });
  svg.append(stroke("axes", [[left, top], [left, base], [width - right, base]]));
  for (const [level, text] of ticks) {
    svg.append(stroke("grid", [[left, y(level)], [width - right, y(level)]]));
    svg.append(label(left - type / 2, y(level) + type / 3, text, "end"));
  }
  svg.append(stroke("mark", [[x(at), top], [x(at), base]]));
  const ends = lines.map(({ points }) => points.at(-1) ?? [0, low]);
  const places = ends.map(([step, level]) => ({ x: x(step), y: y(level) }));
  keepApart(places, type + 2, base);
  lines.forEach(({ points, kind, name }, i) => {
    svg.append(stroke(`line ${kind}`, points.map(([step, level]) => [x(step), y(level)])));
    svg.append(label(places[i].x + type / 3, places[i].y + type / 3, name, `name ${kind}`));
  });
  return { svg, x, y };
}

// Moves places downwards that would meet, and all of them up if the last would be too low then.
function keepApart(places, gap, lowest) {
  const sorted = [...places].sort((a, b) => a.y - b.y);
  for (let i = 1; i < sorted.length; i++) sorted[i].y = Math.max(sorted[i].y, sorted[i - 1].y + gap);
  const over = Math.max(0, sorted.at(-1).y - lowest);
  for (const place of sorted) place.y -= over;
}

function stroke(kind, points) {
  return make("path", { class: kind, d: `M ${points.map((point) => point.join(" ")).join(" L ")}` });
}
