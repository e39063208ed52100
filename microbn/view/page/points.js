// Lines up the numbers of a table at their points, as `lined_up` does in the terminal.

// Gives each cell room on its right for the characters that others of its column have there.
function lineUp(element, rows) {
  const tails = rows.map((row) => row.map(afterPoint));
  const most = rows[0]?.map((_, column) => Math.max(...tails.map((row) => row[column])));
  [...element.rows].forEach((line, i) =>
    line.querySelectorAll("td").forEach((cell, column) => {
      cell.style.setProperty("--tail", most[column] - tails[i][column]);
    }),
  );
}

// Returns how many characters a number has from its point on, or from its exponent.
function afterPoint(text) {
  return text.length - text.split(/\.|(?<=\d)e/)[0].length;
}
