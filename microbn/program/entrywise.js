// NumPy's functions that work entry by entry. A truth value is 1 or 0, and x !== x asks for NaN.

// Returns the shape that NumPy broadcasts these shapes to.
const broadcast = (shapes) => {
  const ndim = Math.max(...shapes.map((shape) => shape.length));
  const sides = (axis) => shapes.map((shape) => shape[axis - ndim + shape.length] ?? 1);
  return Array.from({ length: ndim }, (_, axis) => sides(axis).find((n) => n !== 1) ?? 1);
};

// Makes a function of numbers a function of arrays.
const entrywise = (f) => (...operands) => {
  const arrays = operands.map(asArray), shape = broadcast(arrays.map((x) => x.shape));
  const [x, y, z] = arrays.map((array) => np.broadcast_to(array, shape).data);
  return { shape, data: x.map((_, i) => f(x[i], y?.[i], z?.[i])) };
};

np.add      = entrywise((x, y) => x + y);  np.subtract = entrywise((x, y) => x - y);
np.multiply = entrywise((x, y) => x * y);  np.divide   = entrywise((x, y) => x / y);
np.maximum  = entrywise((x, y) => Math.max(x, y));
np.minimum  = entrywise((x, y) => Math.min(x, y));
np.arctan2  = entrywise(Math.atan2);
np.where    = entrywise((c, x, y) => (c !== 0 ? x : y));

// The sign of -0 is 0, which adding 0 makes of it.
np.positive = entrywise((x) => x);         np.negative   = entrywise((x) => -x);
np.square   = entrywise((x) => x * x);     np.reciprocal = entrywise((x) => 1 / x);
np.absolute = entrywise(Math.abs);         np.sign       = entrywise((x) => Math.sign(x) + 0);
np.sqrt     = entrywise(Math.sqrt);        np.cbrt       = entrywise(Math.cbrt);
np.exp      = entrywise(Math.exp);         np.expm1      = entrywise(Math.expm1);
np.log      = entrywise(Math.log);         np.log1p      = entrywise(Math.log1p);
np.sin      = entrywise(Math.sin);         np.arcsin     = entrywise(Math.asin);
np.cos      = entrywise(Math.cos);         np.arccos     = entrywise(Math.acos);
np.sinh     = entrywise(Math.sinh);        np.arcsinh    = entrywise(Math.asinh);
np.cosh     = entrywise(Math.cosh);        np.arccosh    = entrywise(Math.acosh);
np.tanh     = entrywise(Math.tanh);        np.arctanh    = entrywise(Math.atanh);
np.floor    = entrywise(Math.floor);       np.arctan     = entrywise(Math.atan);
np.ceil     = entrywise(Math.ceil);        np.trunc      = entrywise(Math.trunc);

np.equal   = entrywise((x, y) => x === y); np.not_equal     = entrywise((x, y) => x !== y);
np.less    = entrywise((x, y) => x < y);   np.less_equal    = entrywise((x, y) => x <= y);
np.greater = entrywise((x, y) => x > y);   np.greater_equal = entrywise((x, y) => x >= y);

np.logical_and = entrywise((x, y) => x !== 0 && y !== 0);
np.logical_or  = entrywise((x, y) => x !== 0 || y !== 0);
np.logical_xor = entrywise((x, y) => (x !== 0) !== (y !== 0));
np.logical_not = entrywise((x) => x === 0);
np.bitwise_and = entrywise((x, y) => Number(BigInt(x) & BigInt(y)));
np.bitwise_or  = entrywise((x, y) => Number(BigInt(x) | BigInt(y)));
np.bitwise_xor = entrywise((x, y) => Number(BigInt(x) ^ BigInt(y)));
np.invert      = entrywise((x) => -1 - x);

np.isnan    = entrywise(Number.isNaN);           np.isfinite = entrywise(Number.isFinite);
np.isposinf = entrywise((x) => x === Infinity);  np.isneginf = entrywise((x) => x === -Infinity);
np.isinf    = entrywise((x) => Math.abs(x) === Infinity);
np.signbit  = entrywise((x) => x < 0 || Object.is(x, -0));

// In JavaScript, 1 to the power of NaN and -1 to the power of infinity are NaN.
const power = (x, y) => (x === 1 || (x === -1 && Math.abs(y) === Infinity) ? 1 : x ** y);
np.power = entrywise(power);

// The remainder has the sign of the divisor; JavaScript's % has the sign of the dividend.
const remainder = (x, y) => {
  const rest = x % y;
  if (rest === 0) return y < 0 ? -0 : 0;
  return rest < 0 !== y < 0 ? rest + y : rest;
};
np.remainder = entrywise(remainder);
np.floor_divide = entrywise((x, y) => {
  if (y === 0) return x / y;
  const whole = Math.round((x - (x % y)) / y) - (remainder(x, y) !== x % y);
  return whole || 0 * (x / y); // a zero has the sign of the quotient
});

np.logaddexp = entrywise((x, y) =>
  x === y ? x + Math.LN2 : Math.max(x, y) + Math.log1p(Math.exp(-Math.abs(x - y))),
);

// A half goes to the even neighbour. From 2**52 on all numbers are whole, so the sum is rounded.
np.rint = entrywise((x) => {
  const sum = Math.abs(x) + 2 ** 52 - 2 ** 52;
  return Math.abs(x) < 2 ** 52 ? (x < 0 || Object.is(x, -0) ? -sum : sum) : x;
});

np.isclose = (a, b, { rtol, atol, equal_nan }) =>
  entrywise((x, y) => {
    const near = Number.isFinite(y) && Math.abs(x - y) <= atol + rtol * Math.abs(y);
    return near || x === y || (equal_nan && x !== x && y !== y);
  })(a, b);

// --- Other dtypes: float32 rounds, and integers wrap. Those of 64 bits are exact up to 2**53.

const heldBy = (Kind) => (x) => {
  const { shape, data } = asArray(x);
  return { shape, data: Float64Array.from(Kind.from(data)) };
};

np.int8  = heldBy(Int8Array);   np.uint8  = heldBy(Uint8Array);
np.int16 = heldBy(Int16Array);  np.uint16 = heldBy(Uint16Array);
np.int32 = heldBy(Int32Array);  np.uint32 = heldBy(Uint32Array);
np.float32 = heldBy(Float32Array);
np.int64 = entrywise((x) => (Number.isFinite(x) ? Math.trunc(x) : 0));
np.bool = entrywise((x) => x !== 0);
