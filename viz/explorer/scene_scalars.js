// The graph of scalars: cards with a value above and a gradient below, the local slope on each line, and at the step of
// the clock the product upstream × local. Of a large graph it shows what is near the focus, and folds the rest.
const LEGIBLE = 0.76, MOST_CARDS = 24; // more cards than that are not legible
class ScalarsScene {
  constructor(app) { this.app = app; this.cache = new Map(); }
  get model() { return this.app.model; }
  draw() {
    const { app, model } = this, { tape } = model, [W, H] = app.stage.size, head = model.network ? 34 : 12, plan = this.arranged(W, H - 40 - head);
    const { graph, few, k, nodes, folds, edges, order, size, downwards } = plan;
    this.plan = plan;
    this.folded = folds.size > 0;
    const ox = (W - graph.width * k) / 2, oy = head + (H - 40 - head - graph.height * k) / 2, { now } = this;
    this.spots = new Map();
    const top = [], lines = edges.map((edge, q) => this.line(edge, graph.routes[q], now, top));
    const cards = order.map((id) => {
      const { x, y } = graph.at.get(id), [w, h] = size(id), there = { transform: `translate(${f1(x)} ${f1(y)})` }, folded = typeof id === "string";
      if (!folded) this.spots.set(id, [ox + (x - w / 2) * k, oy + (y - h / 2) * k, w * k, h * k]);
      if (!folded && !tape.constant[id]) return [id, ...this.card(id, w, h, few, now, there)];
      return [id, `<rect x="${f1(-w / 2)}" y="${f1(-h / 2)}" width="${f1(w)}" height="${h}" rx="13"/><text>${folded ? `… ${folds.get(id).count} more` : show(tape.v[id], 3)}</text>`, { class: "constant", ...there }];
    });
    const out = escaped(tape.name[tape.root]), key = `<span class="key"><b class="v">value</b><b class="l">local slope</b><b class="g">gradient ∂${out.length > 8 ? "out" : out}/∂·</b></span>`;
    this.crossings = graph.crossings;
    const more = { front: true, within: `translate(${f1(ox)} ${f1(oy)}) scale(${k.toFixed(3)})` };
    return [drawing("wires", lines, more), drawing("cards", cards, more), drawing("times", top.join(""), more), label("legend", 16, H - 14, key, "note", { ax: 0, ay: -100 })];
  }
  // The layout of what is shown: all of a graph that stays legible, otherwise less and less around the focus.
  arranged(W, H) {
    const { tape } = this.model, whole = tape.n <= 34 ? this.layout([...Array(tape.n).keys()].filter((i) => this.app.clock.under[i]), new Map(), W, H) : null;
    if (whole && whole.k >= 0.84 * LEGIBLE) return whole; // the whole of a graph may be smaller
    let plan = null;
    for (const reach of [[2, 3], [2, 2], [1, 2], [1, 1], [1, 0], [1, 1, 1], [1, 0, 1]]) {
      const { nodes, folds } = this.near(...reach);
      if (reach[1] && nodes.length > MOST_CARDS) continue;
      const next = this.layout(nodes, folds, W, H);
      if (!plan || next.k > 1.02 * plan.k) plan = next; // less only where it is larger
      if (plan.k >= LEGIBLE) break;
    }
    return plan;
  }
  layout(nodes, folds, W, H) {
    const key = JSON.stringify([W, H, nodes, [...folds]]);
    if (this.cache.size > 60) this.cache.clear();
    if (!this.cache.has(key)) this.cache.set(key, this.placed(nodes, folds, W, H));
    return this.cache.get(key);
  }
  placed(nodes, folds, W, H) {
    const { tape } = this.model, inside = new Set(nodes), few = nodes.length <= 12 && !folds.size, downwards = this.isNarrow, ids = [...nodes, ...folds.keys()];
    const edges = nodes.flatMap((i) => tape.uses[i]).filter((e) => inside.has(e.head)).map((e) => [e.tail, e.head, e]).sort((a, b) => a[1] - b[1] || a[2].slot - b[2].slot);
    for (const [key, { node }] of folds) edges.push(key.startsWith("in") ? [key, node, null] : [node, key, null]);
    const rank = (id) => (typeof id === "number" ? id : id.startsWith("in") ? -1 : tape.n), order = ids.sort((a, b) => rank(a) - rank(b)), uses = new Map();
    for (const [tail, , e] of edges) if (e) uses.set(tail, (uses.get(tail) || 0) + 1);
    const roomy = few && nodes.length <= 6, w = few ? 132 : 112, h = few ? 64 : 44, turned = (pair) => [pair[1], pair[0]];
    const size = (id) => (typeof id === "string" ? [100, 26] : tape.constant[id] ? [54, 26] : [w, Math.max(h, 20 * (uses.get(id) || 0) + 2)]), flat = (id) => (downwards ? [Math.max(size(id)[0], 48 * (uses.get(id) || 0)), h > size(id)[1] ? size(id)[1] : h] : size(id));
    const gaps = { line: downwards ? 46 : 16, node: few ? 28 : 12, rank: downwards ? (few ? 84 : 56) : roomy ? 150 : few ? 104 : 80, port: downwards ? 48 : few ? 26 : 20, stub: downwards || roomy ? 0 : 44 };
    const graph = layeredLayout(order, edges, downwards ? (id) => turned(flat(id)) : size, gaps);
    if (downwards) {
      [graph.width, graph.height] = [graph.height, graph.width];
      for (const spot of graph.at.values()) [spot.x, spot.y] = [spot.y, spot.x];
      graph.routes = graph.routes.map((route) => route.map(turned));
    }
    const k = Math.min(1.25, (W - 44) / graph.width, H / graph.height);
    return { graph, few, roomy, k, nodes, folds, edges, order, size: downwards ? flat : size, downwards };
  }
  get isNarrow() { return this.app.stage.size[0] < 560; }
  // Of more nodes that use one, some are shown.
  get mostHeads() { return this.isNarrow ? 2 : 5; }
  // What is near the focus: some of its operands and theirs, of a sum so many pairs, and what it is used for.
  near(down, up, pairs = this.isNarrow ? 2 : 3) {
    const { tape } = this.model, { focus, picked } = this.app, keep = new Set([focus.node]), folds = new Map(), weight = (i) => Math.abs(tape.g[i]) || 0, active = this.active;
    const below = (i, depth) => {
      const own = [...new Set(tape.args[i] || [])];
      if (!depth || !own.length) return;
      const chosen = this.chosen(i, own, Math.max(1, depth === down ? pairs : pairs - 1));
      if (chosen.length < own.length) folds.set(`in${i}`, { node: i, count: own.length - chosen.length });
      for (const k of chosen) if (!keep.has(k)) { keep.add(k); below(k, depth - 1); }
    };
    below(focus.node, down);
    let front = [focus.node];
    for (let step = 0; step < up; step++) {
      const next = [];
      for (const i of front) {
        const heads = [...new Set(tape.uses[i].map((e) => e.head))].filter((i) => this.app.clock.under[i]), some = heads.length > this.mostHeads ? heads.sort((a, b) => (b === active) - (a === active) || weight(b) - weight(a)).slice(0, Math.min(this.mostHeads, 3)) : heads;
        if (heads.length > some.length) folds.set(`out${i}`, { node: i, count: heads.length - some.length });
        for (const head of some) if (!keep.has(head)) { keep.add(head); next.push(head); }
      }
      front = next;
    }
    for (const i of front) {
      const more = new Set(tape.uses[i].map((e) => e.head).filter((h) => !keep.has(h) && this.app.clock.under[h])).size;
      if (more && !folds.has(`out${i}`)) folds.set(`out${i}`, { node: i, count: more });
    }
    if (picked >= 0 && !this.isNarrow && (tape.args[focus.node] || []).includes(picked)) keep.add(picked);
    return { nodes: [...keep].sort((a, b) => a - b), folds };
  }
  // The operands around the one that receives now, or those that count most: of a weighted sum in pairs.
  chosen(i, own, pairs) {
    const { tape } = this.model, { now } = this, args = tape.args[i], limit = 2 * pairs + 1, slot = now && now.edge && now.edge.head === i ? now.edge.slot : -1;
    if (own.length <= limit) return own;
    const some = (size, count, at, weight) => {
      const all = [...Array(size).keys()], from = at - (at % count);
      return at >= 0 ? all.slice(from, from + count) : all.sort((a, b) => weight(b) - weight(a)).slice(0, count);
    };
    if (tape.op[i] !== "affine") return some(own.length, limit, slot < 0 ? -1 : own.indexOf(args[slot]), (k) => Math.abs(tape.g[own[k]])).map((k) => own[k]);
    const n = args.length >> 1, order = some(n, pairs, slot < 2 * n && slot >= 0 ? slot % n : -1, (k) => Math.abs(tape.v[args[k]] * tape.v[args[n + k]]));
    return [...new Set([...order.map((k) => args[k]), ...order.map((k) => args[n + k]), args[2 * n]])];
  }
  // The node that hands on a contribution to the focus now.
  get active() {
    const { now } = this, { focus } = this.app;
    return now && now.edge && now.edge.tail === focus.node ? now.edge.head : -1;
  }
  // The step that the clock stands at.
  get now() {
    const { clock, p } = this.app, at = clock.at(p);
    if (!at) return null;
    if (p === clock.seedAt) return { node: this.model.tape.root, seed: true };
    return at.step === null ? null : typeof at.step === "number" ? { node: at.step } : { edge: at.step };
  }
  received(i) {
    const { clock, p } = this.app, { tape } = this.model;
    let sum = i === tape.root && p >= clock.seedAt ? 1 : null;
    for (const edge of tape.uses[i]) if (edge.when && edge.when <= p) sum = edge.after;
    return sum;
  }
  line([tail, head, edge], points, now, top) {
    const { app, plan, model } = this, { clock, p, path } = app, { few, roomy, downwards } = plan;
    const forward = edge && clock.when[head] >= 0 && clock.when[head] <= p, back = edge && edge.when && edge.when <= p, active = now && now.edge === edge && edge, feeds = now && edge && !now.seed && now.node === head;
    const on = path && edge ? (path.includes(edge) ? "onpath" : "offpath") : "", id = `${tail}>${head}.${edge ? edge.slot : ""}`;
    const text = `<path class="wire2 ${edge ? "" : "fold"} ${back ? "back" : forward ? "forward" : ""} ${active ? "active" : ""} ${feeds ? "feeds" : ""} ${on}" d="${curveThrough(points, downwards)}"/>`;
    if (!edge || edge.constant || !(forward || back)) return [id, text];
    const turned = (pair) => (downwards ? [pair[1], pair[0]] : pair), [u0, w0] = turned(points[0]), [u1, w1] = turned(points[1]);
    const spot = (u) => { const f = clamp((u - u0) / (u1 - u0 || 1), 0, 1); return turned([u, w0 + (w1 - w0) * f * f * (3 - 2 * f)]); };
    const pill = (kind, [x, y], words, w, on) => `<g class="pill ${kind} ${on ? "active" : ""}" transform="translate(${f1(x)} ${f1(y)})"><rect x="${-w / 2}" y="-9" width="${w}" height="18" rx="9"/><text>${words}</text></g>`;
    if (active && roomy) {
      top.push(pill("product", spot((u0 + u1) / 2), `<tspan class="g">${show(edge.up, 3)}</tspan><tspan> × </tspan><tspan class="l">${show(edge.local, 3)}</tspan>`, 92, true));
      return [id, text];
    }
    const several = model.tape.uses[tail].length > 1, slope = roomy ? spot(u1 - (downwards ? 22 : 36)) : spot(u0 + (downwards ? 15 : 24));
    const gift = back && several && roomy ? pill("g", spot(u0 + (downwards ? 18 : 32)), `+ ${fitted(edge.change, 6, 3)}`.replace("+ −", "− "), 48) : "";
    return [id, `${text}${pill("l", slope, fitted(edge.local, 6, 3), few ? 44 : 42, active)}${gift}`];
  }
  card(id, w, h, few, now, there) {
    const { app, model } = this, { tape } = model, { clock, p, path, picked, focus } = app, op = tape.op[id], left = -w / 2, top = -h / 2, known = !op || (clock.when[id] >= 0 && clock.when[id] <= p), gradient = this.received(id);
    const receives = now && ((now.edge && now.edge.tail === id) || (now.seed && now.node === id)), onPath = !path || path.some((e) => e.head === id || e.tail === id);
    const style = ["card", op ? "" : "leaf", id === tape.root ? "root" : "", receives ? "receives" : now && now.node === id ? "computed" : "", now && now.edge && now.edge.head === id ? "gives" : "", this.folded && focus.node === id ? "focus" : "", picked === id ? "picked" : "", onPath ? "" : "offpath"].join(" ");
    const pad = few ? 10 : 8, row1 = few ? top + 17 : top + 11.5, row2 = few ? top + h - 14 : top + h - 10.5, symbol = op ? OP_SYMBOLS[op] || op : "", free = w - 2 * pad - 6, size = few ? 16 : 13.5;
    const name = nodeName(tape.name[id], left + pad, row1, size, model.given.has(id) || !op, free, known ? show(tape.v[id], 3) : ""), amount = known ? numberWithin(tape.v[id], free - name.width, 12.5) : "", back = gradient === null ? "" : numberWithin(gradient, free - (op ? 14 : 0), 12.5);
    const said = textWidth(symbol, 11) + textWidth(back, 12.5) <= free ? symbol : [...symbol].slice(0, 1).join("");
    const text = `<rect x="${f1(left)}" y="${f1(top)}" width="${f1(w)}" height="${f1(h)}" rx="8"/><path class="split" d="M${f1(left + 1)} ${few ? 2 : 0}h${f1(w - 2)}"/>${name.text}<text class="op" x="${f1(left + pad)}" y="${f1(row2)}">${escaped(said)}</text><text class="value" x="${f1(left + w - pad)}" y="${f1(row1)}">${amount}</text><text class="gradient" x="${f1(left + w - pad)}" y="${f1(row2)}">${back}</text>`;
    return [text, { class: style, ...there }];
  }
  bands() { return []; }
}
const OP_SYMBOLS = { add: "+", sub: "−", mul: "×", div: "÷", neg: "−", pow: "xⁿ", sigmoid: "σ", total: "Σ", affine: "Σ w·a", logsumexp: "lse", maximum: "max", minimum: "min", sqrt: "√", leaky_relu: "leaky", stop_gradient: "stop" };
// A name: what looks like W1[2,0] with its indices raised and lowered, another name in full or cut to what is left
// beside a number; what nobody named gives way to the number.
function nodeName(name, x, y, size, given, free, number) {
  const found = /^([A-Za-zδ])(\d*)\[([\d,]+)\]$/.exec(name);
  if (found) {
    const dx = size * (found[1] === "W" ? 0.9 : 0.56), script = (words, dy) => `<tspan class="script" x="${f1(x + dx)}" y="${f1(y + dy)}">${words}</tspan>`;
    const text = `<text class="name" font-size="${size}" x="${f1(x)}" y="${f1(y)}">${found[1]}${found[2] ? script(found[2], -5) : ""}${script(found[3], found[2] ? 4.5 : 3)}</text>`;
    return { text, width: dx + textWidth(found[3], 9) };
  }
  const letters = [...name], own = given ? size - (letters.length > 3 ? 2 : 0) : size - 3, room = free - textWidth(number, 12.5);
  let cut = name;
  while (textWidth(cut, own) > room && letters.length) { letters.pop(); cut = letters.length ? `${letters.join("")}…` : ""; }
  if (!given && cut !== name) cut = "";
  return { text: `<text class="name ${given ? "" : "unnamed"}" font-size="${own}" x="${f1(x)}" y="${f1(y)}">${escaped(cut)}</text>`, width: textWidth(cut, own) };
}
