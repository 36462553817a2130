// Matrices {r, c, d}, and the numbers of every term of an equation: each over its free axes.
const matrix = (r, c, d) => ({ r, c, d: d || new Float64Array(r * c) });
const scalar = (x) => matrix(1, 1, Float64Array.of(x));
const product = (list) => list.reduce((x, y) => x * y, 1);
function softmax(a) {
  const all = logsumexp([...a.d]);
  return matrix(a.r, a.c, a.d.map((x) => Math.exp(x - all)));
}
const RELATIONS = {
  "<": (x, y) => x < y, "<=": (x, y) => x <= y, "≤": (x, y) => x <= y, ">": (x, y) => x > y, ">=": (x, y) => x >= y,
  "=": (x, y) => x === y, "≠": (x, y) => x !== y,
};
// Terms refer to their parts, and formulas to their terms, by number: make them objects.
function linked(set) {
  for (const t of set.terms) {
    t.parts = (t.parts || []).map((k) => set.terms[k]);
    const own = [...t.parts.flatMap((part) => part.free), ...(t.kind === "softmax" ? [] : indexAxes(t))].filter((a) => !(t.axes || []).includes(a));
    t.free = [...new Set(t.kind === "softmax" ? [...own, ...indexAxes(t)] : own)].sort((a, b) => a - b);
  }
  set.meanings = set.meanings.map(([term, row, column, ...within], id) => ({ id, term: set.terms[term], row, column, within: within.length ? { [within[0]]: within.slice(1) } : {} }));
  for (const e of set.equations) {
    [e.target] = e.pieces[0].map((k) => set.meanings[k]);
    e.family = e.target.term.family;
  }
  return set;
}
const indexAxes = (t) => (t.at || []).flatMap(([, ...parts]) => parts.map(([axis]) => axis));
// A term and everything in it.
function* walkTerms(term) {
  yield term;
  for (const part of term.parts) yield* walkTerms(part);
}
// The numbers of terms, from those of the families; `within` gives axes that do not run from end to end.
class Numbers {
  constructor(set, arrays, within = {}) {
    Object.assign(this, { set, arrays, within, known: new Map(), at: new Int32Array(set.axes.length) });
  }
  ends(axis) { return this.within[axis] || [0, this.set.axes[axis] - 1]; }
  size(axis) { const [from, to] = this.ends(axis); return to - from + 1; }
  // Visit all places on axes.
  visit(axes, f) {
    const { at } = this, walk = (k) => {
      if (k === axes.length) { f(); return; }
      const [from, to] = this.ends(axes[k]);
      for (let i = from; i <= to; i++) { at[axes[k]] = i; walk(k + 1); }
    };
    walk(0);
  }
  filled(axes, f) {
    const out = new Float64Array(product(axes.map((a) => this.size(a))));
    let n = 0;
    this.visit(axes, () => { out[n++] = f(); });
    return out;
  }
  // What gives a term's number at the place of the axes.
  reader(t) {
    if (!this.known.has(t)) this.known.set(t, this.filled(t.free, this.rule(t)));
    const d = this.known.get(t), { at } = this, first = t.free.map((a) => this.ends(a)[0]), steps = t.free.map((_, k) => product(t.free.slice(k + 1).map((a) => this.size(a))));
    return () => { let k = 0; for (let j = 0; j < steps.length; j++) k += (at[t.free[j]] - first[j]) * steps[j]; return d[k]; };
  }
  over(t, axes) { return this.filled(axes, this.reader(t)); }
  index([from, ...parts]) {
    const { at } = this;
    if (typeof from === "number") return parts.reduce((n, [axis, k]) => n + k * at[axis], from);
    return from[parts.reduce((n, [axis, size]) => n * size + at[axis], 0)];
  }
  // Where a reference reads; −1 outside of its family.
  place({ family, at }) {
    return this.set.families[family].axes.reduce((n, axis, k) => {
      const i = this.index(at[k]), size = this.set.axes[axis];
      return n < 0 || i < 0 || i >= size ? -1 : n * size + i;
    }, 0);
  }
  // The members that a term puts together at a place: all on its axes but those that are masked.
  members(t) {
    const [body] = t.parts, read = this.reader(body), { families } = this.set;
    const masked = t.name === "sum" ? [] : [...walkTerms(body)].filter((each) => each.kind === "reference" && families[each.family].mask);
    return () => {
      const list = [];
      this.visit(t.axes, () => { if (masked.every((each) => families[each.family].mask[this.place(each)])) list.push([this.at[t.axes[0]], read()]); });
      return list;
    };
  }
  rule(t) {
    const { families } = this.set;
    if (t.kind === "number") return () => t.number;
    if (t.kind === "reference") return () => { const k = this.place(t); return k < 0 ? 0 : this.arrays[t.family][k]; };
    if (t.kind === "condition") return () => +RELATIONS[t.name](this.index(t.at[0]), this.index(t.at[1]));
    if (t.kind === "prime") return this.reader(t.parts[1]);
    if (t.kind === "reduction" || t.kind === "softmax") {
      const members = this.members(t), put = { sum: (list) => list.reduce((x, y) => x + y, 0), logsumexp }[t.name] || value[t.name];
      if (t.kind === "reduction") return () => put(members().map(([, x]) => x));
      return () => {
        const list = members(), k = this.index(t.at[0]), own = list.find(([place]) => place === k);
        return own ? Math.exp(own[1] - logsumexp(list.map(([, x]) => x))) : 0;
      };
    }
    const parts = t.parts.map((part) => this.reader(part));
    if (t.kind === "sum") return () => parts.reduce((x, part) => x + part(), 0);
    if (t.kind === "power") return () => parts[0]() ** t.exponent;
    if (t.kind === "test") return () => +RELATIONS[t.name](parts[0](), parts[1]());
    if (t.kind === "call") return () => value[t.name](...parts.map((part) => part()));
    // where a condition or a number of the graph is 0, a product is 0 whatever the rest is
    const gate = t.parts.map((part) => part.kind === "condition" || (part.kind === "reference" && families[part.family].role === "numbers"));
    return () => {
      let out = 1;
      for (let k = 0; k < parts.length; k++) { const x = parts[k](); if (gate[k] && !x) return 0; out *= x; }
      return out;
    };
  }
  // What a formula stands for as a matrix; other axes than its own two stand below each other.
  matrix({ term, row, column }) {
    const others = term.free.filter((a) => a !== row && a !== column), next = (axis) => (axis < 0 ? others.shift() ?? -1 : axis);
    const axes = [next(row), next(column)], list = [...others, ...axes].filter((a) => a >= 0), c = axes[1] < 0 ? 1 : this.size(axes[1]), d = this.over(term, list);
    return matrix(d.length / c, c, d);
  }
}
// All arrays, from those that are leaves; recurrences step by step.
function solved(set, leaves) {
  const arrays = { ...leaves }, sizes = (f) => set.families[f].axes.map((a) => set.axes[a]);
  for (const step of set.steps) {
    if (!step.loop) { const [f, t] = step; arrays[f] = masked(set.families[f], new Numbers(set, arrays).over(set.terms[t], set.families[f].axes)); continue; }
    for (const [f] of step.loop) arrays[f] = new Float64Array(product(sizes(f)));
    const low = Math.min(...step.loop.map(([, , , first]) => first)), high = Math.max(...step.loop.map(([f, , time, first]) => first + sizes(f)[time]));
    for (let n = 0; n < high - low; n++) for (const [f, t, time, first] of step.loop) {
      const { axes } = set.families[f], k = (step.by > 0 ? low + n : high - 1 - n) - first, inner = product(sizes(f).slice(time + 1));
      if (k < 0 || k >= sizes(f)[time]) continue;
      const part = new Numbers(set, arrays, { [axes[time]]: [k, k] }).over(set.terms[t], axes);
      part.forEach((x, i) => { arrays[f][(Math.floor(i / inner) * sizes(f)[time] + k) * inner + (i % inner)] = x; });
    }
  }
  return arrays;
}
const masked = ({ mask }, d) => (mask ? d.map((x, i) => (mask[i] ? x : 0)) : d);
