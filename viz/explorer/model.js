// One graph as blocks of numbers: what the picture shows of layers, and the arrays of the derived equations. The tape
// keeps the numbers; all blocks are read from it anew whenever one has changed.
class Model {
  constructor(data) {
    this.tape = new Tape(data.tape);
    this.sets = data.sets.map(linked);
    this.network = data.network ? this.readNetwork(data.network) : null;
    this.layers = this.network ? this.network.layers : [];
    this.joins = this.network ? joinsOf(this) : [];
    this.given = new Set(unrolled(data.tape.given));
    this.start = this.tape.v.slice();
    this.leaves = [];
    for (let i = 0; i < this.tape.n; i++) if (!this.tape.args[i] && !this.tape.constant[i]) this.leaves.push(i);
    const inputs = new Set(this.network ? this.network.examples.flatMap((e) => [...e.in[0], ...e.t]) : []);
    for (const set of this.sets) for (const f of set.families) if (f.role === "input") for (const i of unrolled(f.nodes)) inputs.add(i);
    this.parameters = this.leaves.filter((i) => !inputs.has(i));
    this.inputs = inputs;
    this.choose(this.network && this.network.examples.length > 1 ? -1 : 0);
  }
  readNetwork(n) {
    const names = this.tape.name;
    n.layers.forEach((layer, k) => {
      const l = k + 1, W = unrolled(layer.W), c = W.length / n.sizes[l];
      Object.assign(layer, { l, W, b: unrolled(layer.b), inputs: c, size: n.sizes[l] });
      layer.W.forEach((node, i) => { names[node] ||= `W${l}[${Math.floor(i / c)},${i % c}]`; });
      layer.b.forEach((node, j) => { names[node] ||= `b${l}[${j}]`; });
    });
    for (const e of n.examples) {
      for (const key of ["in", "z", "a"]) e[key] = e[key].map(unrolled);
      e.members = e.members.map((layer) => layer.map(unrolled));
      e.t = unrolled(e.t);
    }
    n.layers.forEach((layer, k) => {
      const e = n.examples[0];
      layer.bends = e.a[k].some((node, j) => node !== e.z[k][j]);
      layer.plain = k === 0 || e.in[k].every((node, j) => node === e.a[k - 1][j]) && e.in[k].length === e.a[k - 1].length;
    });
    return n;
  }
  // Show one example, or with −1 all of them and their mean.
  choose(k) {
    const t = this.tape;
    this.example = k;
    this.neuronOf = null;
    this.shown = this.network ? (k < 0 ? this.network.examples : [this.network.examples[k]]) : [];
    t.root = k < 0 || !this.network || this.network.examples.length < 2 ? t.whole : this.shown[0].root;
    const index = this.network ? this.shown[0].set : this.sets.length - 1;
    this.set = index >= 0 ? this.sets[index] : null;
    this.setIndex = index;
    this.changed();
  }
  changed() {
    if (!this.tape.frozen) this.tape.run();
    else if (this.example !== undefined) this.tape.backward((head, edge) => this.tape.edges[edge].local);
    this.solutions = null;
    this.blocks = {};
    if (this.network) this.readBlocks();
  }
  // Whether there are equations of arrays, not only of single numbers.
  get hasMatrices() { return !!this.set && this.set.families.some((f) => f.axes.some((a) => this.set.axes[a] > 1)); }
  // How the equations call what a layer answers: without a function of its own it is its sums.
  letter(l) { return l > 0 && !this.layers[l - 1].bends ? "z" : "a"; }
  valueKey(l) { return `${this.letter(l)}${l}`; }
  // The key of what comes back to a layer's answers.
  backKey(l) { return this.layers[l - 1].bends ? `da${l}` : `delta${l}`; }
  get cost() { return this.tape.v[this.tape.root]; }
  get count() { return this.shown.length; }
  // --- blocks of the layers ----------------------------------------------------------------------------------------
  readBlocks() {
    const { v, g } = this.tape, examples = this.shown, N = examples.length, { blocks } = this;
    const side = (of, from) => {
      const r = of(examples[0]).length, out = matrix(r, N);
      examples.forEach((e, k) => of(e).forEach((node, i) => { out.d[i * N + k] = from[node]; }));
      return out;
    };
    const plain = (nodes, r, c, from) => matrix(r, c, Float64Array.from(nodes, (node) => from[node]));
    this.layers.forEach((layer, k) => {
      const { l, W, b, inputs, size } = layer;
      const key = k ? `in${l}` : "x";
      blocks[key] = side((e) => e.in[k], v);
      blocks[`d${key}`] = side((e) => e.in[k], g);
      blocks[`W${l}`] = plain(W, size, inputs, v);
      blocks[`dW${l}`] = plain(W, size, inputs, g);
      if (b.length) { blocks[`b${l}`] = plain(b, size, 1, v); blocks[`db${l}`] = plain(b, size, 1, g); }
      blocks[`z${l}`] = side((e) => e.z[k], v);
      blocks[`a${l}`] = side((e) => e.a[k], v);
      blocks[`delta${l}`] = side((e) => e.z[k], g);
      blocks[`da${l}`] = side((e) => e.a[k], g);
      if (layer.bends) blocks[`slope${l}`] = this.slopes(k);
    });
    blocks.loss = scalar(this.cost);
    blocks.seed = scalar(1);
    if (examples[0].t.length) blocks.t = side((e) => e.t, v);
    for (const join of this.joins) for (const key of join.around) blocks[`${join.key}>${key}`] = this.around(join, key);
    if (this.network.softmax) blocks.p = this.columns(blocks[`z${this.layers.length}`], softmax);
  }
  slopes(k) {
    const N = this.count, out = matrix(this.layers[k].size, N);
    this.shown.forEach((e, n) => e.a[k].forEach((a, j) => { out.d[j * N + n] = this.tape.slope(a, e.z[k][j], e.members[k][j]); }));
    return out;
  }
  columns(a, f) {
    const out = matrix(a.r, a.c);
    for (let j = 0; j < a.c; j++) f(matrix(a.r, 1, Float64Array.from({ length: a.r }, (_, i) => a.d[i * a.c + j]))).d.forEach((x, i) => { out.d[i * a.c + j] = x; });
    return out;
  }
  // The node behind a cell of a block, for an example.
  node(key, i, example = 0) {
    const e = this.shown[example], found = /^(x|dx|W|dW|b|db|z|a|delta|da|slope|in|din|t|loss)(\d*)$/.exec(key);
    if (!found || !e) return -1;
    const k = found[2] - 1, kind = found[1].replace(/^d(?!elta)/, "");
    if (kind === "x") return e.in[0][i];
    if (kind === "loss") return this.tape.root;
    if (kind === "t") return e.t[i];
    if (kind === "in") return e.in[k][i];
    if (kind === "W" || kind === "b") return this.layers[k][kind][i];
    return (kind === "a" ? e.a : e.z)[k][i];
  }
  // --- arrays of the equations -------------------------------------------------------------------------------------
  // For every example that is shown, the arrays of all families.
  get arrays() {
    if (!this.set) return [];
    if (this.solutions) return this.solutions;
    const { families } = this.set, { v } = this.tape;
    const leaves = (example) => families.map((f) => {
      if (f.numbers) return Float64Array.from(f.numbers);
      if (!f.nodes) return null;
      const key = example ? Object.keys(f.blocks || {})[0] : "";
      return Float64Array.from(key === "x" ? example.in[0] : key === "t" ? example.t : (f.list ||= unrolled(f.nodes)), (node) => v[node]);
    });
    const alike = this.network ? this.shown.filter((e) => e.set === this.setIndex) : [null];
    this.solutions = alike.map((e) => solved(this.set, leaves(e)));
    return this.solutions;
  }
  // The numbers of a formula: of a batch the examples side by side, or their mean where it is a matrix of its own.
  numbers(meaning) {
    const list = this.arrays.map((arrays) => new Numbers(this.set, arrays, meaning.within).matrix(meaning));
    if (list.length < 2) return list[0];
    if (list[0].c === 1 && list[0].r > 0 && !this.isShared(meaning)) return combinedColumns(list);
    return matrix(list[0].r, list[0].c, list[0].d.map((_, i) => list.reduce((s, a) => s + a.d[i], 0) / list.length));
  }
  isShared({ term }) {
    if (term.kind !== "reference") return false;
    const f = this.set.families[term.family];
    return (f.of === undefined ? f : this.set.families[f.of]).role === "parameter";
  }
  // The colour of a formula: a slope, or what gradients are in.
  kindOf({ term }) {
    if (term.kind === "prime") return "l";
    return [...walkTerms(term)].some((t) => t.kind === "reference" && this.set.families[t.family].role === "adjoint") ? "g" : "v";
  }
  // The blocks of the picture that a term is, or those in it but for the rules of slopes.
  blocksIn({ kind, keys = [], parts }) {
    return [...keys.map((key) => this.shownAs(key)), ...(kind === "prime" ? [] : parts.flatMap((part) => this.blocksIn(part)))];
  }
  // Of an answer that is a sum the block with its place in the picture.
  shownAs(key) {
    const l = +(/^z(\d+)$/.exec(key) || [])[1];
    return l && !this.layers[l - 1].bends ? `a${l}` : key;
  }
  // What arrives at an entry of a block, for the first example: from each neuron that weighs it, and from each join.
  arriving(key, i) {
    const weighed = new Map(), other = new Map(), add = (map, name, e) => map.set(name, (map.get(name) || 0) + e.change), e0 = this.shown[0];
    this.neuronOf ||= new Map(e0.members.flatMap((layer, k) => layer.flatMap((nodes, j) => nodes.map((node) => [node, `${k},${j}`]))));
    for (const e of this.tape.uses[this.node(key, i)]) {
      if (!e.when) continue;
      const neuron = this.neuronOf.get(e.head), join = !neuron && this.joins.find((each) => each.inner.has(e.head));
      add(neuron ? weighed : other, neuron || (join ? join.key : "loss"), e);
    }
    return { weighed: [...weighed.values()], other: [...other] };
  }
  // What comes back around a layer: the part of ∂C/∂ of a block that arrives through the join.
  around(join, key) {
    const { r, c } = this.blocks[key];
    return matrix(r, c, Float64Array.from({ length: r * c }, (_, n) => join.edges(this, key, Math.floor(n / c), n % c).reduce((s, e) => s + e.change, 0)));
  }
  // --- what if -----------------------------------------------------------------------------------------------------
  put(node, x) {
    this.tape.v[node] = x;
    this.changed();
  }
  step(rate) {
    for (const i of this.parameters) this.tape.v[i] -= rate * this.tape.g[i];
    this.changed();
  }
  reset() {
    this.tape.v.set(this.start);
    this.changed();
  }
}
function combinedColumns(list) {
  const out = matrix(list[0].r, list.length);
  list.forEach((a, k) => a.d.forEach((x, i) => { out.d[i * list.length + k] = x; }));
  return out;
}
