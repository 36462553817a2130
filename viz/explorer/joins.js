// What is joined before a layer that does not weigh just the layer before: a sum of what went through a layer and of
// what went around it (a residual network), or vectors put together. A join is found in the graph: from what the layer
// weighs back to the blocks that are known by then. A cost that reads more than the answer is a join, too.
class Join {
  constructor(key, l, direct) { Object.assign(this, { key, l, direct, parts: [], rows: [], inner: new Map(), stacked: false }); }
  // What goes around a layer: all parts but the layer before.
  get around() { return this.parts.filter((key) => key !== this.direct); }
  // The edges by which it comes back to an entry of what goes around: through the sum, or through the weights.
  edges(model, key, i, example) {
    return model.tape.uses[model.node(key, i, example)].filter((e) => this.heads.has(e.head));
  }
  // Where an entry comes from, and the nodes that put it together.
  enter(i, node, places, args) {
    const waiting = [node], seen = new Set(), from = (this.rows[i] ||= []);
    while (waiting.length) {
      const at = waiting.pop(), known = places.get(at);
      if (seen.has(at)) continue;
      seen.add(at);
      if (known) {
        if (!this.parts.includes(known[0])) this.parts.push(known[0]);
        if (!from.some(([key, row]) => key === known[0] && row === known[1])) from.push(known);
      } else if (args[at]) {
        if (!this.inner.has(at)) this.inner.set(at, i);
        waiting.push(...args[at]);
      }
    }
  }
}
function joinsOf({ network, tape, layers }) {
  const places = network.examples.map(() => new Map()), joins = [];
  const place = (k, nodes, key) => nodes.forEach((node, i) => { if (!places[k].has(node)) places[k].set(node, [key, i]); });
  const join = (key, l, ends) => {
    const made = new Join(key, l, `a${l - 1}`);
    ends.forEach((nodes, k) => nodes.forEach((node, i) => made.enter(i, node, places[k], tape.args)));
    made.stacked = !made.inner.size && key !== "loss";
    if (!made.stacked) made.parts.sort((a, b) => (a === made.direct) - (b === made.direct));
    made.heads = made.stacked ? new Set(network.examples.flatMap((e) => e.members[l - 1].flat())) : made.inner;
    if (key !== "loss" || made.around.length) joins.push(made);
  };
  network.examples.forEach((e, k) => place(k, e.in[0], "x"));
  layers.forEach((layer, n) => {
    if (!layer.plain) join(`in${layer.l}`, layer.l, network.examples.map((e) => e.in[n]));
    network.examples.forEach((e, k) => { place(k, e.in[n], `in${layer.l}`); place(k, e.a[n], `a${layer.l}`); place(k, e.z[n], `a${layer.l}`); });
  });
  join("loss", layers.length + 1, network.examples.map((e) => [e.root]));
  return joins;
}
// What a layer weighs, as a symbol: the layer before, a name of the equations, or what is joined.
function inputSymbol(app, l, within = false) {
  if (l === 1 || app.model.layers[l - 1].plain) return symbol(app.model.letter(l - 1), l - 1);
  const join = app.model.joins.find((each) => each.key === `in${l}`), name = app.panel.nameOf(join.key);
  if (name || join.parts.length > 2) return name || symbol("s", l - 1);
  const parts = join.parts.map((key) => (key.startsWith("in") ? inputSymbol(app, +key.slice(2), true) : symbol(app.model.letter(key.slice(1)), +key.slice(1))));
  const [open, sign, close] = join.stacked ? ["[", ",", "]"] : within ? ["(", "+", ")"] : ["", "+", ""], mo = (text) => (text ? `<mo stretchy="false">${text}</mo>` : "");
  return `<mrow>${mo(open)}${parts.join(mo(sign))}${mo(close)}</mrow>`;
}
