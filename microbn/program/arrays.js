// NumPy's functions of arrays, as far as programs call them.
//
// An array is {shape, data}: its data are a Float64Array in C order, so that the last axis varies
// fastest. Where an array is expected, a number will do. Python has resolved all arguments: no axis
// is negative, no shape has a -1, and each slice has both its ends.

const np = {};

// --- Arrays

const size = (shape) => shape.reduce((n, m) => n * m, 1);
const same = (shape, other) => String(shape) === String(other);
const shapeOf = (list) => (Array.isArray(list) ? [list.length, ...shapeOf(list[0] ?? 0)] : []);

np.array = (list, shape = shapeOf(list)) => ({
  shape, data: Float64Array.from([list].flat(Infinity)),
});

np.full = (shape, number) => ({ shape, data: new Float64Array(size(shape)).fill(number) });

const asArray = (x) => (x.data ? x : np.array(x));

// Takes an operand of a program, which may be nested lists, and checks its shape.
np.operand = (name, x, shape) => {
  const found = x?.shape ?? shapeOf(x), numbers = [...(x?.data ?? [x].flat(Infinity))];
  if (!numbers.every((n) => typeof n === "number" || typeof n === "boolean"))
    throw new TypeError(`${name} has to be a number, nested lists of numbers, or {shape, data}`);
  const fits = same(found, shape) || (numbers.length === 0 && shape.includes(0));
  if (!fits || numbers.length !== size(shape))
    throw new RangeError(`${name} has shape [${found}], the program was compiled for [${shape}]`);
  return np.array(numbers, shape);
};

// --- Places
//
// A transposed array, a slice and a broadcast array hold entries of another array. Each index along
// a new axis has an offset, and the place of an entry in the old data is the sum of its offsets. A
// block is the offsets of an axis, or of several axes, and their shape.

// Returns the block of an axis whose entries are equally far apart.
const block = (count, step, start = 0) => ({
  shape: [count],
  offsets: Array.from({ length: count }, (_, i) => start + i * step),
});

// Returns how far apart the entries along each axis are.
const strides = (shape) => shape.map((_, axis) => size(shape.slice(axis + 1)));

const shapeBy = (blocks) => blocks.flatMap((one) => one.shape);

const placesBy = (blocks) =>
  blocks.reduce((places, { offsets }) => places.flatMap((p) => offsets.map((o) => p + o)), [0]);

// Takes the numbers from their places; a place may be asked for many times.
const gathered = (x, blocks) => ({
  shape: shapeBy(blocks),
  data: Float64Array.from(placesBy(blocks), (place) => x.data[place]),
});

// Adds the numbers up at their places, in zeros: the transpose of `gathered`.
const addedUp = (g, shape, blocks) => {
  const out = np.full(shape, 0), { data } = np.broadcast_to(asArray(g), shapeBy(blocks));
  placesBy(blocks).forEach((place, i) => (out.data[place] += data[i]));
  return out;
};

np.reshape = (x, shape) => ({ shape, data: asArray(x).data });

np.transpose = (x, axes) => {
  const steps = strides(x.shape);
  return gathered(x, axes.map((axis) => block(x.shape[axis], steps[axis])));
};

np.broadcast_to = (x, shape) => {
  const array = asArray(x), steps = strides(array.shape), more = shape.length - steps.length;
  if (same(array.shape, shape)) return array;
  const step = (n, axis) => (array.shape[axis - more] === n ? steps[axis - more] : 0);
  return gathered(array, shape.map((n, axis) => block(n, step(n, axis))));
};

// Joins arrays along an axis: each gives its numbers of one row, then of the next row.
np.concatenate = (arrays, axis) => {
  const side = arrays.reduce((sum, x) => sum + x.shape[axis], 0);
  const shape = arrays[0].shape.map((n, i) => (i === axis ? side : n));
  const row = (x, i) => {
    const n = size(x.shape.slice(axis));
    return [...x.data.subarray(i * n, (i + 1) * n)];
  };
  const count = size(shape.slice(0, axis));
  return np.array(Array.from({ length: count }, (_, i) => arrays.map((x) => row(x, i))), shape);
};

// --- Indices: each part is a slice, null for a new axis, a number, or an array of integers.

np.slice = (start, stop, step = 1) => ({
  start, step, count: Math.max(0, Math.ceil((stop - start) / step)),
});

// Returns indices that count from the front.
const fromFront = (indices, n) =>
  entrywise((i) => {
    if (i < -n || i >= n) throw new RangeError(`index ${i} is out of bounds for an axis of ${n}`);
    return i < 0 ? i + n : i;
  })(indices);

// Returns the blocks of x[index]. Numbers and arrays are broadcast to one block. It stands in their
// place if they are side by side, and otherwise in front: that is NumPy's rule.
const indexed = (shape, index) => {
  const blocks = [], chosen = [], at = new Set(), steps = strides(shape);
  let axis = 0;
  for (const part of index) {
    const n = shape[axis], step = steps[axis];
    if (part === null) blocks.push(block(1, 0));
    else if (part.count >= 0) blocks.push(block(part.count, part.step * step, part.start * step));
    else at.add(blocks.length), chosen.push(np.multiply(fromFront(part, n), step));
    if (part !== null) axis += 1;
  }
  if (chosen.length) {
    const sum = chosen.reduce((x, y) => np.add(x, y));
    blocks.splice(at.size === 1 ? [...at][0] : 0, 0, { shape: sum.shape, offsets: [...sum.data] });
  }
  return blocks;
};

np.getitem = (x, index) => gathered(x, indexed(x.shape, index));
np.scatter = (g, shape, index) => addedUp(g, shape, indexed(shape, index));

// Returns the blocks of windows over the last axes: where each may begin, and what is in one.
const windowed = (shape, sizes) => {
  const steps = strides(shape), more = shape.length - sizes.length;
  const begins = shape.map((n, axis) => block(n - (sizes[axis - more] ?? 1) + 1, steps[axis]));
  return [...begins, ...sizes.map((n, axis) => block(n, steps[axis + more]))];
};

np.windows = (x, sizes) => gathered(x, windowed(x.shape, sizes));
np.overlap_add = (g, shape) => addedUp(g, shape, windowed(shape, g.shape.slice(shape.length)));

// --- Along axes

// Applies f to each row of numbers that the reduction over some axes makes one number of.
const reduction = (f) => (x, { axis, keepdims = false }) => {
  const axes = [...x.shape.keys()], kept = axes.filter((i) => !axis.includes(i));
  const { data } = np.transpose(x, [...kept, ...axis]), count = size(axis.map((i) => x.shape[i]));
  const sides = axes.map((i) => (axis.includes(i) ? 1 : x.shape[i]));
  const shape = keepdims ? sides : kept.map((i) => x.shape[i]);
  const row = (_, i) => f(data.subarray(i * count, (i + 1) * count));
  return np.array(Array.from({ length: size(shape) }, row), shape);
};

const total = (row) => row.reduce((x, y) => x + y, 0);
const largest = (row) => row.reduce((x, y) => Math.max(x, y), -Infinity);
const smallest = (row) => row.reduce((x, y) => Math.min(x, y), Infinity);

np.sum = reduction(total);    np.mean = reduction((row) => total(row) / row.length);
np.max = reduction(largest);  np.min  = reduction(smallest);
np.all = reduction((row) => row.every((x) => x !== 0));
np.any = reduction((row) => row.some((x) => x !== 0));
np.count_nonzero = reduction((row) => row.filter((x) => x !== 0).length);

// The first NaN counts as the largest number, and as the smallest one.
const placeOf = (row, one) => row.findIndex((x) => x === one || (x !== x && one !== one));
np.argmax = reduction((row) => placeOf(row, largest(row)));
np.argmin = reduction((row) => placeOf(row, smallest(row)));

// Applies f to each row of numbers along an axis.
const along = (f) => (x, axis) => {
  const last = x.shape.length - 1, n = x.shape[axis];
  const swapped = [...x.shape.keys()].map((i) => (i === axis ? last : i === last ? axis : i));
  const { shape, data } = np.transpose(x, swapped);
  for (let i = 0; i < data.length; i += n) data.set(f(data.subarray(i, i + n)), i);
  return np.transpose({ shape, data }, swapped);
};

np.cumsum = along((row) => {
  let sum = 0;
  return row.map((x) => (sum += x));
});

// NaN stands behind all numbers.
const before = (x, y) => x < y || (x === x && y !== y);
const compare = (x, y) => before(y, x) - before(x, y);
np.argsort = along((row) => [...row.keys()].sort((i, j) => compare(row[i], row[j])));

// The place of a number is how many of the sorted ones stand before it.
np.searchsorted = (sorted, values, { side }) => {
  const least = side === "left" ? 1 : 0;
  return entrywise((v) => sorted.data.filter((x) => compare(v, x) >= least).length)(values);
};

// --- Products of matrices; a vector is a row on the left, and a column on the right.

np.matmul = (left, right) => {
  const x = asArray(left), isRow = x.shape.length < 2;
  const y = asArray(right), isColumn = y.shape.length < 2;
  const [n, k] = [1, ...x.shape].slice(-2), m = isColumn ? 1 : y.shape.at(-1);
  const stack = broadcast([x.shape.slice(0, -2), y.shape.slice(0, -2)]);
  const a = np.broadcast_to(x, [...stack, n, k]).data;
  const b = np.broadcast_to(np.reshape(y, isColumn ? [k, 1] : y.shape), [...stack, k, m]).data;
  const out = np.full([...stack, ...(isRow ? [] : [n]), ...(isColumn ? [] : [m])], 0);
  for (let i = 0; i < out.data.length; i++) {
    const row = Math.floor(i / m), matrix = Math.floor(row / n);
    for (let j = 0; j < k; j++) out.data[i] += a[row * k + j] * b[(matrix * k + j) * m + (i % m)];
  }
  return out;
};
