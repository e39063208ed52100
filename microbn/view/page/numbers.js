// Numbers as text, as Python writes them, and arrays as tables of such texts, as `table` in
// values.py makes them.

// Writes a number with so many significant digits, as Python's format(x, ".3g") does.
function general(x, digits) {
  if (!Number.isFinite(x)) return x !== x ? "nan" : x < 0 ? "-inf" : "inf";
  const [mantissa, exponent] = rounded(Math.abs(x), digits).split("e");
  const power = Number(exponent), sign = x < 0 ? "-" : "";
  const digitsOf = mantissa.replace(".", "");
  if (power < -4 || power >= digits) {
    const size = String(Math.abs(power)).padStart(2, "0");
    return `${sign}${withoutZeros(mantissa)}e${power < 0 ? "-" : "+"}${size}`;
  }
  if (power < 0) return `${sign}${withoutZeros(`0.${"0".repeat(-1 - power)}${digitsOf}`)}`;
  return sign + withoutZeros(`${digitsOf.slice(0, power + 1)}.${digitsOf.slice(power + 1)}`);
}

function withoutZeros(text) {
  return text.includes(".") ? text.replace(/\.?0*$/, "") : text;
}

// Rounds to so many digits. Of a number halfway between two, Python takes the one with the even
// last digit, and JavaScript the larger one.
function rounded(size, digits) {
  const up = size.toExponential(digits - 1);
  if (size.toExponential().indexOf("e") !== digits + 2) return up; // it has no digit 5 more
  const [mantissa, exponent] = size.toExponential(60).split("e");
  const all = mantissa.replace(".", "");
  const halfway = /^50*$/.test(all.slice(digits)) && Number(all[digits - 1]) % 2 === 0;
  if (!halfway) return up;
  return `${all[0]}.${all.slice(1, digits)}e${exponent}`;
}

// Writes a constant with four digits, or with more where four look like a shorter number.
function constantNumber(x) {
  const short = general(x, 3);
  const texts = [4, 5, 6, 7, 8, 9].map((digits) => general(x, digits));
  return texts.find((text) => Number(text) !== Number(short)) ?? short;
}

// Writes a number with the fewest digits that tell it from its neighbours.
function exactly(x) {
  const digits = String(x).replace(/e.*/, "").replace(/[-.]|^0+/g, "").replace(/^0+/, "");
  return general(x, Math.max(digits.length, 4));
}

// Makes the table of an array. It has the shape, dtype and labels of the table before.
function tabled({ shape, data }, before, noise) {
  if (!data.length) return { ...before, noise };
  const across = shape.at(-1) ?? 1, down = data.length / across;
  const line = (i) => [...data.subarray(i * across, (i + 1) * across)];
  const texts = (numbers, digits) => numbers.map((x) => general(x, digits));
  const rows = cutOut(down, (i) => cutOut(across, (j) => general(data[i * across + j], 3), "…"));
  const gap = rows.indexOf(undefined);
  if (gap >= 0) rows[gap] = rows[0].map(() => "…");
  if (!before.blocks.length) return { ...before, rows, noise };
  const grid = Array.from({ length: down }, (_, i) => line(i));
  const blocks = means(means(grid, true), false).map((numbers) => texts(numbers, 2));
  const sum = data.reduce((x, y) => x + y, 0);
  const [low, high] = [Math.min, Math.max].map((f) => general(data.reduce((x, y) => f(x, y)), 3));
  return { ...before, rows, blocks, low, high, mean: general(sum / data.length, 3), noise };
}

// Returns what stands at the places of an axis that are shown, and a gap between them.
function cutOut(length, made, gap) {
  const { entries, first, last } = story.most;
  if (length <= entries) return Array.from({ length }, (_, i) => made(i));
  const ends = Array.from({ length: last }, (_, i) => length - last + i);
  const shown = [...Array(first).keys(), ...ends].map((i) => made(i));
  shown.splice(first, 0, gap);
  return shown;
}

// Returns the means of blocks of rows, or of blocks within each row.
function means(grid, ofRows) {
  if (!ofRows) return grid.map((row) => means(row.map((x) => [x]), true).map(([x]) => x));
  const size = Math.ceil(grid.length / story.most.blocks);
  const blocks = Array.from({ length: Math.ceil(grid.length / size) }, (_, i) =>
    grid.slice(i * size, (i + 1) * size),
  );
  return blocks.map((rows) =>
    rows[0].map((_, j) => rows.reduce((sum, row) => sum + row[j], 0) / rows.length),
  );
}
