// One clock for all depths. Its unit is a step of the engine: a node that is computed, or a contribution that arrives.
// Steps are sorted into phases, one for each equation (or a part of one), and rows, one for each neuron. What a depth
// shows at a position is therefore a prefix of the engine's own steps, sorted by equation.
class Clock {
  constructor(model) {
    this.model = model;
    this.phases = [];
    const under = (this.under = this.reached(model.tape));
    if (model.network) this.layered(under);
    else if (model.hasMatrices) this.byEquation(under);
    else this.plain(under);
    let at = 0;
    for (const phase of this.phases) {
      phase.at = at;
      phase.ends = phase.rows.map((row) => (at += Math.max(1, row.length)));
      phase.end = at;
    }
    this.length = at;
    this.byKey = Object.fromEntries(this.phases.map((phase) => [phase.key, phase]));
    this.seedAt = this.byKey.seed.end;
    this.spans = new Map(); // of each equation the first position and the last
    for (const { equation, at, end } of this.phases) this.spans.set(equation, [(this.spans.get(equation) || [at])[0], end]);
    this.placeSteps();
  }
  // The nodes that the output depends on: others have no steps.
  reached(tape) {
    const seen = new Uint8Array(tape.n), waiting = [tape.root];
    seen[tape.root] = 1;
    while (waiting.length) for (const tail of tape.args[waiting.pop()] || []) if (!seen[tail]) { seen[tail] = 1; waiting.push(tail); }
    return seen;
  }
  add(key, part, rows, more = {}) { this.phases.push({ key, part, rows, equation: this.equationOf(key), ...more }); }
  equationOf(key) {
    const { set, network } = this.model;
    if (!set || !network) return -1;
    // of a layer the equation of δ holds ∂C/∂a, too
    const own = key.replace(/^da(\d+)$/, "delta$1");
    return set.equations.findIndex((e) => e.keys.includes(own));
  }
  layered(under) {
    const { model } = this, { tape, layers } = model, last = layers.length, row = new Map(), phase = new Map();
    const put = (node, key, r) => { phase.set(node, key); row.set(node, r); };
    for (const e of model.shown) {
      layers.forEach((layer, k) => {
        e.members[k].forEach((nodes, j) => nodes.forEach((node) => put(node, `z${layer.l}`, j)));
        if (layer.bends) e.a[k].forEach((node, j) => put(node, `a${layer.l}`, j));
      });
    }
    for (const join of model.joins) if (join.key !== "loss") for (const [node, j] of join.inner) put(node, join.key, j);
    const list = (count) => Array.from({ length: count }, () => []), forward = new Map(), backward = new Map();
    const rows = (map, key, count) => { if (!map.has(key)) map.set(key, list(count)); return map.get(key); };
    const size = (key) => (/^(dx|din\d)/.test(key) ? model.blocks[key].r : model.blocks[key.replace(/^d(W|b)/, "$1")].r);
    for (const i of tape.interior) if (under[i]) {
      const key = phase.get(i) || "loss";
      rows(forward, key, key === "loss" ? 1 : size(key))[row.get(i) ?? 0].push(i);
    }
    for (const edge of tape.edges) if (under[edge.head] && !edge.constant) {
      const [key, r] = this.arrival(edge.tail, phase, row, last);
      rows(backward, key, size(key))[r].push(edge);
    }
    for (const layer of layers) {
      if (forward.has(`in${layer.l}`)) this.add(`in${layer.l}`, "f", forward.get(`in${layer.l}`), { layer });
      this.add(`z${layer.l}`, "f", rows(forward, `z${layer.l}`, layer.size), { layer });
      if (layer.bends) this.add(`a${layer.l}`, "f", rows(forward, `a${layer.l}`, layer.size), { layer });
    }
    this.add("loss", "f", rows(forward, "loss", 1));
    this.add("seed", "b", [[]]);
    for (const layer of [...layers].reverse()) {
      const { l } = layer, next = layers[l];
      if (backward.has(`din${l + 1}`)) this.add(`din${l + 1}`, "b", backward.get(`din${l + 1}`), { layer: next });
      if (l < last && layer.bends) this.add(`da${l}`, "b", rows(backward, `da${l}`, layer.size), { layer });
      this.add(`delta${l}`, "b", rows(backward, `delta${l}`, layer.size), { layer });
    }
    this.add("dx", "b", rows(backward, "dx", model.network.sizes[0]), { layer: layers[0] });
    for (const layer of layers) {
      this.add(`dW${layer.l}`, "g", rows(backward, `dW${layer.l}`, layer.size), { layer, matrix: true });
      if (layer.b.length) this.add(`db${layer.l}`, "g", rows(backward, `db${layer.l}`, layer.size), { layer });
    }
  }
  // The phase and the row in which something arrives at a node.
  arrival(tail, phase, row, last) {
    const { model } = this;
    if (!this.leafPlace) {
      this.leafPlace = new Map();
      for (const { l, W, b, inputs } of model.layers) {
        W.forEach((node, i) => this.leafPlace.set(node, [`dW${l}`, Math.floor(i / inputs)]));
        b.forEach((node, j) => this.leafPlace.set(node, [`db${l}`, j]));
      }
      for (const e of model.shown) e.in[0].forEach((node, i) => this.leafPlace.set(node, ["dx", i]));
    }
    if (this.leafPlace.has(tail)) return this.leafPlace.get(tail);
    const key = phase.get(tail), r = row.get(tail);
    if (!key) return [`delta${last}`, 0];
    const l = +key.slice(key.startsWith("in") ? 2 : 1);
    if (key.startsWith("in")) return [`din${l}`, r];
    return key[0] === "a" && l < last ? [`da${l}`, r] : [`delta${l}`, r];
  }
  // Steps shared out evenly: which nodes an array of the equations holds, nobody says here.
  byEquation(under) {
    const { model } = this, { equations } = model.set, { tape } = model;
    const nodes = tape.interior.filter((i) => under[i]), edges = tape.edges.filter((e) => under[e.head] && !e.constant);
    const shared = (steps, list) => {
      let at = 0;
      list.forEach(([key, part, k], n) => {
        const end = Math.round((steps.length * (n + 1)) / list.length);
        this.phases.push({ key, part, rows: [steps.slice(at, end)], equation: k });
        at = end;
      });
    };
    const own = equations.map((e, k) => [`${e.family}#${k}`, e.part, k]);
    shared(nodes, own.filter(([, part]) => part === "f"));
    this.add("seed", "b", [[]]);
    shared(edges, own.filter(([, part]) => part !== "f"));
  }
  plain(under) {
    const { tape } = this.model;
    this.add("forward", "f", tape.interior.filter((i) => under[i]).map((i) => [i]));
    this.add("seed", "b", [[]]);
    this.add("backward", "b", tape.edges.filter((e) => under[e.head] && !e.constant).map((e) => [e]));
    for (const phase of this.phases) if (!phase.rows.length) phase.rows.push([]);
  }
  // When each node is computed and each contribution has arrived.
  placeSteps() {
    const { tape } = this.model;
    this.when = new Int32Array(tape.n).fill(-1);
    for (const edge of tape.edges) edge.when = 0;
    this.steps = Array(this.length + 1).fill(null);
    for (const phase of this.phases)
      phase.rows.forEach((row, r) => row.forEach((step, k) => {
        const at = (r ? phase.ends[r - 1] : phase.at) + k + 1;
        this.steps[at] = step;
        if (typeof step === "number") this.when[step] = at;
        else step.when = at;
      }));
  }
  // Where the clock stands: the phase, the row and the step that have just been done.
  at(p) {
    if (p <= 0) return null;
    const phase = this.phases.find((x) => p <= x.end), row = phase.ends.findIndex((end) => p <= end);
    return { phase, row, step: this.steps[p], whole: p === phase.ends[row] };
  }
  // Whether a row of a block is known; blocks that no phase computes are known from the start.
  known(key, p) {
    const phase = this.byKey[key];
    if (!phase || p >= phase.end) return null;
    const done = phase.ends.filter((end) => end <= p).length;
    const begun = done ? phase.ends[done - 1] : phase.at;
    const test = phase.matrix ? (row, column) => row < done || (row === done && column < p - begun) : (row) => row < done;
    test.stamp = phase.matrix ? `${done},${p - begun}` : `${done}`; // equal stamps, equal answers
    return test;
  }
  // Where the clock stops at a depth: after equations, rows or steps.
  stops(depth, coarse = 16) {
    if (depth === "scalars") return this.scalarStops;
    const found = [0];
    for (const phase of this.phases) {
      if (depth === "network" || depth === "matrices" || (depth === "layer" && phase.rows.length > coarse)) found.push(phase.end);
      else found.push(...phase.ends);
    }
    return found;
  }
  get scalarStops() {
    if (!this.ownStops) {
      this.ownStops = [0];
      for (let p = 1; p <= this.length; p++) if (this.steps[p] !== null || p === this.seedAt) this.ownStops.push(p);
    }
    return this.ownStops;
  }
}
