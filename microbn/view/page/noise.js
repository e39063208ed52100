// How large rounding noise can be in each gradient, as noise.py reckons it: a gradient that is
// smaller would be 0 if numbers had more digits. An array is called by its number among the tables,
// and `entry` gives the size of its largest finite entry.

function largestEntry(data) {
  return data.reduce((most, x) => (Number.isFinite(x) ? Math.max(most, Math.abs(x)) : most), 0);
}

const capped = (noise) => Math.min(noise, Number.MAX_VALUE);
const epsilon = (number) => (live.told.tables[number].dtype === "float32" ? 2 ** -23 : 2 ** -52);
const count = (number) => live.told.tables[number].shape.reduce((n, m) => n * m, 1);

// Returns for each value how large the noise is in its largest entry, as a share of that entry.
function sharesOfNoise({ kinds, values, operands }, entry) {
  const [noise, shares] = [new Map(), new Map()];
  for (const { id } of story.nodes) {
    const number = values.get(id), ids = operands.get(id) ?? [];
    const isFloat = live.told.tables[number].dtype.startsWith("float");
    noise.set(id, ids.length && isFloat ? capped(noiseOf(id, ids, number)) : 0);
    shares.set(id, noise.get(id) ? capped(noise.get(id) / (entry(number) || 1)) : 0);
  }
  return shares;

  function noiseOf(id, ids, number) {
    const kind = kinds[id], largest = entry(number);
    if (kind === "add" || kind === "subtract")
      return Math.hypot(...ids.map((one) => noise.get(one)), epsilon(number) * largest);
    if (kind) {
      const first = values.get(ids[0]);
      const terms = count(first) / Math.max(count(number), 1);
      const rounded = (1 + Math.sqrt(terms)) * epsilon(number) * entry(first);
      const ofMean = Math.hypot(noise.get(ids[0]), rounded);
      return kind === "sum" ? ofMean * terms : ofMean;
    }
    return capped(Math.hypot(...ids.map((one) => shares.get(one)), epsilon(number))) * largest;
  }
}

// Returns the noise in each table, by number, and for each step and part whether the terms of a sum
// cancel: then it is no larger than its noise, and its terms are.
function noises(live, entry) {
  const sums = new NoisySums(live, entry), tables = new Map();
  const ofPart = (step, part, ids) => sums.add(step, part, ids ?? []);
  const cancelled = live.terms.map((step, at) =>
    step.parts.map((part, i) => ofPart(step, part, live.steps[at].reads?.[i])),
  );
  const note = (number, id) =>
    tables.set(number, Math.max(tables.get(number) ?? 0, sums.noise.get(id) ?? 0));
  live.terms.forEach(({ sender, gradient, parts }) => {
    if (gradient !== null) note(gradient, sender);
    for (const { receiver, numbers } of parts)
      for (const number of Object.values(numbers)) if (number !== null) note(number, receiver);
  });
  return { tables, cancelled };
}

// The noise in the gradient of each value, and its largest term, as far as messages have arrived.
class NoisySums {
  constructor(live, entry) {
    this.shares = sharesOfNoise(live, entry);
    this.entry = entry;
    [this.noise, this.terms] = [new Map(), new Map()];
  }

  // Adds the message of a part, whose rule read the values with these ids. Returns null unless the
  // terms of the sum cancel now.
  add({ sender, gradient: given }, { receiver, numbers }, ids) {
    const { earlier, gradient, total } = numbers, wide = numbers.product ?? gradient;
    const { noise, terms, entry } = this;
    const product = entry(wide), before = earlier === null ? 0 : entry(earlier);
    const often = count(wide) / Math.max(count(gradient), 1);
    const largest = Math.max(product, entry(gradient), before);
    const rounded = (4 + Math.sqrt(often)) * epsilon(gradient) * largest;
    const share = (noise.get(sender) ?? 0) / (entry(given) || 1);
    const read = ids.map((id) => this.shares.get(id));
    const handedOn = capped(Math.sqrt(often) * Math.hypot(share, ...read)) * product;
    noise.set(receiver, capped(Math.hypot(noise.get(receiver) ?? 0, rounded, handedOn)));
    terms.set(receiver, Math.max(terms.get(receiver) ?? 0, product, entry(gradient)));
    const sum = entry(total ?? gradient), now = noise.get(receiver);
    return sum <= now && now < terms.get(receiver) ? { exact: sum === 0 } : null;
  }
}
