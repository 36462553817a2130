// Matrices {r, c, d}, and the numbers of every term of an equation.
const matrix = (r, c, d) => ({ r, c, d: d || new Float64Array(r * c) });
const scalar = (x) => matrix(1, 1, Float64Array.of(x));
const mapped = (a, f) => matrix(a.r, a.c, a.d.map(f));
function transposed(a) {
  const out = matrix(a.c, a.r);
  for (let i = 0; i < a.r; i++) for (let j = 0; j < a.c; j++) out.d[j * a.r + i] = a.d[i * a.c + j];
  return out;
}
function multiplied(a, b) {
  const out = matrix(a.r, b.c);
  for (let i = 0; i < a.r; i++)
    for (let k = 0; k < a.c; k++) {
      const x = a.d[i * a.c + k];
      for (let j = 0; j < b.c; j++) out.d[i * b.c + j] += x * b.d[k * b.c + j];
    }
  return out;
}
// Entry by entry, what has one row or column repeated.
function combined(list, f) {
  const r = Math.max(...list.map((a) => a.r)), c = Math.max(...list.map((a) => a.c)), out = matrix(r, c);
  for (let i = 0; i < r; i++)
    for (let j = 0; j < c; j++) out.d[i * c + j] = f(...list.map((a) => a.d[(a.r === 1 ? 0 : i) * a.c + (a.c === 1 ? 0 : j)]));
  return out;
}
const added = (a, b) => combined([a, b], (x, y) => x + y);
function stacked(list) {
  return matrix(list.reduce((s, a) => s + a.r, 0), list[0].c, Float64Array.from(list.flatMap((a) => [...a.d])));
}
function softmax(a) {
  const all = logsumexp([...a.d]);
  return mapped(a, (x) => Math.exp(x - all));
}
function softmaxByRows(a) {
  const rows = Array.from({ length: a.r }, (_, i) => softmax(matrix(1, a.c, a.d.slice(i * a.c, (i + 1) * a.c))));
  return stacked(rows);
}
// "[0:3:2, 1]" of r rows and c columns.
function places(view, r, c) {
  const parts = view.slice(1, -1).split(",").map((part) => part.trim());
  const range = (text, n) => {
    if (!text.includes(":")) return [+text];
    const [from, to, by] = text.split(":"), list = [];
    for (let i = from ? +from : 0; i < (to ? Math.min(+to, n) : n); i += by ? +by : 1) list.push(i);
    return list;
  };
  return [range(parts[0], r), range(parts[1] ?? ":", c)];
}
function viewed(a, view) {
  if (!view) return a;
  if (!view.startsWith("[")) return matrix(...view.split("×").map(Number), a.d);
  const [rows, columns] = places(view, a.r, a.c), out = matrix(rows.length, columns.length);
  rows.forEach((i, x) => columns.forEach((j, y) => { out.d[x * out.c + y] = a.d[i * a.c + j]; }));
  return out;
}
const RELATIONS = {
  "<": (x, y) => x < y, "<=": (x, y) => x <= y, "≤": (x, y) => x <= y, ">": (x, y) => x > y, ">=": (x, y) => x >= y,
  "≥": (x, y) => x >= y, "==": (x, y) => x === y, "!=": (x, y) => x !== y, "≠": (x, y) => x !== y,
};
const TERMS = {
  sum: (t, list) => list.reduce(added),
  product: (t, list) => list.reduce((a, b) => combined([a, b], (x, y) => x * y)),
  power: (t, [a]) => mapped(a, (x) => x ** t.exponent),
  matmul: (t, [a, b]) => multiplied(a, b),
  transpose: (t, [a]) => transposed(a),
  total: (t, [a]) => scalar(a.d.reduce((x, y) => x + y, 0)),
  lines: (t, [a]) => {
    const b = t.axis ? a : transposed(a);
    return matrix(b.r, 1, Float64Array.from({ length: b.r }, (_, i) => b.d.subarray(i * b.c, (i + 1) * b.c).reduce((x, y) => x + y, 0)));
  },
  repeat: (t, [a]) => (t.axis ? matrix(a.d.length, 1, a.d) : matrix(1, a.d.length, a.d)),
  stack: (t, list) => stacked(list),
  cases: (t, list) => combined(list, (condition, yes, no) => (condition ? yes : no)),
  test: (t, list) => combined(list, (x, y) => (RELATIONS[t.name](x, y) ? 1 : 0)),
  pick: (t, [a]) => matrix(t.places.length, t.places[0].length, Float64Array.from(t.places.flat(), (k) => a.d[k])),
  call: (t, list) => {
    if (t.name === "logsumexp") return scalar(logsumexp([...list[0].d]));
    if (t.name === "softmax") return softmax(list[0]);
    if (t.name === "softmax by rows") return softmaxByRows(list[0]);
    if (t.name === "softmax by columns") return transposed(softmaxByRows(transposed(list[0])));
    return combined(list, value[t.name]);
  },
};
// A term and everything in it.
function* walkTerms(term) {
  yield term;
  for (const part of term.parts || []) yield* walkTerms(part);
}
// The numbers of a term, from those of the arrays by name.
function evaluated(t, arrays) {
  if (t.kind === "number") return scalar(t.number);
  if (t.kind === "name") return viewed(arrays[t.name], t.view);
  if (t.kind === "numbers") return matrix(t.values.length, t.values[0].length, Float64Array.from(t.values.flat()));
  if (t.kind === "local") return evaluated(t.parts[1], arrays);
  return TERMS[t.kind](t, t.parts.map((part) => evaluated(part, arrays)));
}
// Set what an equation defines.
function assign(equation, shapes, arrays) {
  const put = (target, x) => {
    const [r, c] = shapes[target.name].shape, part = (target.view || "").startsWith("[");
    if (!part && !equation.add) { arrays[target.name] = x.d.length < r * c ? combined([x, matrix(r, c)], (a) => a) : matrix(r, c, x.d); return; }
    const whole = (arrays[target.name] ||= matrix(r, c)), [rows, columns] = places(part ? target.view : "[:]", r, c);
    rows.forEach((i, a) => columns.forEach((j, b) => {
      const k = i * c + j, entry = x.d.length === 1 ? x.d[0] : x.d[a * columns.length + b];
      whole.d[k] = equation.add ? whole.d[k] + entry : entry;
    }));
  };
  const x = evaluated(equation.value, arrays), target = equation.target;
  if (target.kind === "stack") {
    let row = 0;
    for (const part of target.parts) {
      const [r, c] = shapes[part.name].shape, n = part.view ? places(part.view, r, c)[0].length : r;
      put(part, matrix(n, x.c, x.d.slice(row * x.c, (row + n) * x.c)));
      row += n;
    }
  } else if (target.kind === "pick") {
    const { name } = target.parts[0], whole = (arrays[name] ||= matrix(...shapes[name].shape));
    target.places.flat().forEach((k, m) => { whole.d[k] += x.d[m]; });
  } else put(target, x);
}
// All arrays, from those that are leaves. Arrays are made anew, so that none is added to twice.
function solved(equations, shapes, leaves) {
  const arrays = { ...leaves };
  for (const equation of equations) assign(equation, shapes, arrays);
  return arrays;
}
