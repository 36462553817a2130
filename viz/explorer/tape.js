// The graph of scalars as it was recorded. It runs forward and backward in the order of the engine, and it is where
// every number that can change is kept.
const unrolled = (runs) => {
  const list = [];
  for (let k = 0; k < runs.length; k += 2) for (let m = 0; m < runs[k + 1]; m++) list.push(runs[k] + m);
  return list;
};

class Tape {
  constructor(data) {
    const n = (this.n = data.n);
    Object.assign(this, { root: data.root, whole: data.root, frozen: data.frozen || "", rules: data.rules || {} });
    this.op = Array(n).fill("");
    this.args = Array(n).fill(null);
    this.name = Array(n).fill("");
    this.v = new Float64Array(n);
    this.g = new Float64Array(n);
    this.constant = new Uint8Array(n);
    for (const [first, values] of data.leaves) values.forEach((x, k) => { this.v[first + k] = x; });
    for (const [first, count] of data.constants) this.constant.fill(1, first, first + count);
    for (const [i, op, runs] of data.nodes) {
      this.op[i] = data.ops[op];
      this.args[i] = unrolled(runs);
    }
    for (const [i, name] of data.names) this.name[i] = name;
    if (data.numbered) this.name.forEach((name, i) => { this.name[i] ||= `v${i + 1}`; });
    this.interior = [];
    for (let i = 0; i < n; i++) if (this.args[i]) this.interior.push(i);
    this.prepareEdges();
    if (this.frozen) this.restore(data);
    else this.run();
  }
  // One edge for each slot, heads newest first.
  prepareEdges() {
    this.firstEdge = new Int32Array(this.n).fill(-1);
    const edges = (this.edges = []);
    for (const head of [...this.interior].reverse()) {
      this.firstEdge[head] = edges.length;
      this.args[head].forEach((tail, slot) => {
        edges.push({ tail, head, slot, constant: !!this.constant[tail], local: 0, up: 0, change: 0, before: 0, after: 0, when: 0 });
      });
    }
    this.uses = Array.from({ length: this.n }, () => []);
    for (const edge of edges) this.uses[edge.tail].push(edge);
  }
  restore(data) {
    this.v.set(data.values);
    this.backward((head, edge) => data.locals[edge] ?? NaN);
  }
  forward() {
    const { v, args, op } = this;
    for (const i of this.interior) {
      const a = args[i];
      v[i] = MANY.has(op[i]) ? value[op[i]](a.map((k) => v[k])) : value[op[i]](v[a[0]], v[a[1]], v[a[2]]);
    }
    return v[this.root];
  }
  run() {
    this.forward();
    const { v, args, op } = this;
    let head = -1, locals = [];
    this.backward((node, edge) => {
      if (node !== head) {
        head = node;
        locals = local[op[node]](v[node], args[node].map((k) => v[k]));
      }
      return locals[edge - this.firstEdge[node]];
    });
  }
  backward(localOf) {
    const { g, edges } = this;
    g.fill(0);
    g[this.root] = 1;
    edges.forEach((edge, k) => {
      const up = g[edge.head];
      edge.local = localOf(edge.head, k);
      edge.up = up;
      edge.change = up === 0 ? 0 : up * edge.local;
      edge.before = g[edge.tail];
      if (!edge.constant) g[edge.tail] += edge.change;
      edge.after = g[edge.tail];
    });
  }
  // ∂out/∂inner along the paths through `members` alone.
  slope(out, inner, members) {
    const within = new Set(members), arrived = new Map([[out, 1]]);
    for (const head of [...members].sort((a, b) => b - a)) {
      if (head === inner || !arrived.has(head)) continue;
      this.args[head].forEach((tail, slot) => {
        if (!within.has(tail)) return;
        const share = arrived.get(head) * this.edges[this.firstEdge[head] + slot].local;
        arrived.set(tail, (arrived.get(tail) || 0) + share);
      });
    }
    return arrived.get(inner) ?? 0;
  }
  // The output for other values of a leaf; nothing else changes.
  probe(leaf, values) {
    const old = this.v[leaf], found = values.map((x) => {
      this.v[leaf] = x;
      return this.forward();
    });
    this.v[leaf] = old;
    this.forward();
    return found;
  }
  // All ways from a node to the output, the largest first.
  paths(from, most = 200) {
    const found = [];
    const walk = (node, product, way) => {
      if (found.length >= most) return;
      if (node === this.root) { found.push({ product, way }); return; }
      for (const edge of this.uses[node]) if (!edge.constant) walk(edge.head, product * edge.local, [...way, edge]);
    };
    if (from !== this.root) walk(from, 1, []);
    return found.sort((a, b) => Math.abs(b.product) - Math.abs(a.product));
  }
}
const MANY = new Set(["affine", "total", "logsumexp"]);
