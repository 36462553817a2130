// One neuron: what it weighs, the sum, the curve with its tangent, the answer; and below, the way back.
class NeuronScene {
  constructor(app) { this.app = app; }
  get model() { return this.app.model; }
  draw() {
    const { app, model } = this, [W, H] = app.stage.size, narrow = W < 620, { l, j } = app.focus, layer = model.layers[l - 1], B = model.blocks;
    this.items = [];
    this.parts = [];
    const scale = narrow ? 0.72 : clamp(W / 900, 0.72, 1.2), half = narrow ? 34 : 38 * scale, yUp = H * (narrow ? 0.3 : 0.27), yLow = narrow ? H * 0.77 : H * 0.74;
    const plot = narrow ? Math.min(134, H * 0.3) : Math.min(205 * scale, H * 0.4), xz = narrow ? W - 138 : 430 * scale + Math.max(0, W - 900) * 0.1;
    const px = narrow ? W - 92 - plot / 2 : xz + half + 22, xa = narrow ? W - 44 : px + plot + 24 + half;
    const N = model.count, at = (key) => B[key].d[j * N], known = (key) => { const k = app.known(key); return !k || k(j); };
    this.plan = { W, H, narrow, l, j, layer, scale, half, yUp, yLow, plot, xz, px, xa, at, N, on: { z: known(`z${l}`), a: known(model.valueKey(l)), delta: known(`delta${l}`), da: known(app.clock.byKey[`da${l}`] ? `da${l}` : `delta${l}`) } };
    if (l === 1 && layer.inputs > 20) this.images();
    else this.list();
    this.middle();
    this.curve();
    if (l < model.layers.length) this.fan();
    else if (!narrow) this.items.push(label("fan", W - 10, yLow - 32, '<span class="cap">from the cost</span>', "", { ax: -100 }));
    this.items.push(drawing("neuron", this.parts));
    if (!narrow) this.items.push(...lanes(12, H - 12));
    return this.items;
  }
  put(id, x, y, text) { this.items.push(label(id, x, y, text, "row")); }
  art(id, text) { this.parts.push([id, text]); }
  // One entry of a block in the open, the others folded into it.
  one(key, kind, x, y, on, font = 15) {
    const { j, half, narrow, N } = this.plan, block = this.model.blocks[key];
    if (!block) return;
    this.items.push(cells(key, block, kind, (r, e) => [x, y, r === j && e === 0 ? 2 * half : 0, r === j && e === 0 ? 34 : 0], {
      font: narrow ? 12 : font, digits: 4, scale: Math.max(1e-9, kind === "l" ? 1 : 0, ...block.d.map(Math.abs)), known: (r) => on && r === j,
    }));
  }
  // Many inputs: weights, input and products as images.
  images() {
    const { W, narrow, l, j, yUp, yLow, scale, xz, half, at, on, N, H } = this.plan, { app, model } = this, B = model.blocks, [rows, cols] = app.image, n = rows * cols, K = B.x.r;
    const wide = narrow ? W - 190 : xz - half - 60, gap = narrow ? 12 : 26 * scale, c = Math.min((wide - 2 * gap) / (3 * cols), (H * 0.32) / rows), w = c * cols, h = c * rows, left = narrow ? 8 : 20;
    const xs = [0, 1, 2].map((k) => left + k * (w + gap)), grid = (x, y) => (i) => [x + (i % cols) * c + c / 2, y - h / 2 + Math.floor(i / cols) * c + c / 2, c, c];
    const first = (place) => (i, e) => (e ? [...place(i).slice(0, 2), 0, 0] : place(i)), folded = (x, y) => (r, k) => (r === j ? grid(x, y)(k) : [...grid(x, y)(k).slice(0, 2), 0, 0]);
    const row = (key) => matrix(K, 1, B[key].d.slice(j * K, (j + 1) * K)), peak = (a) => Math.max(1e-9, ...a.d.map(Math.abs)), input = matrix(K, 1, Float64Array.from({ length: K }, (_, k) => B.x.d[k * N]));
    const weights = row("W1"), products = matrix(K, 1, weights.d.map((x, k) => x * input.d[k]));
    this.items.push(cells("W1", B.W1, "v", folded(xs[0], yUp), { style: "bare", scale: peak(weights) }), cells("dW1", B.dW1, "g", folded(xs[0], yLow), { style: "bare", scale: peak(row("dW1")), known: app.known("dW1") }));
    this.items.push(cells("x", B.x, "v", first(grid(xs[1], yUp)), { frame: 1 }), cells("product", products, "v", grid(xs[2], yUp), { frame: 1, known: () => on.z }));
    this.items.push(cells("lent.x", input, "v", grid(xs[2], yLow), { frame: 1, style: "ghost" }));
    const sign = (id, x, y, text) => this.items.push(label(`op${id}`, x, y, text, "op"));
    sign(1, xs[1] - gap / 2, yUp, "⊙"); sign(2, xs[2] - gap / 2, yUp, "="); sign(3, xs[1] - gap / 2, yLow, "="); sign(4, xs[2] - gap / 2, yLow, "·");
    if (!narrow) sign(5, (xs[2] + w + xz - half) / 2, yUp, "Σ");
    this.items.push(cells("own", scalar(at("delta1")), "g", () => [xs[1] + w / 2, yLow, Math.min(w, 2 * half), 34], { font: narrow ? 11 : 14, digits: 4, known: () => on.delta }));
    const cap = (text) => (narrow ? "" : `<span class="cap">${text}</span>`);
    this.put("c1", xs[0] + w / 2, yUp - h / 2 - 16, math("v", symbol("W", 1, j)) + cap("its weights"));
    this.put("c2", xs[1] + w / 2, yUp - h / 2 - 16, math("v", symbol("a", 0)) + cap("the input"));
    if (!narrow) this.put("c3", xs[2] + w / 2, yUp - h / 2 - 16, cap("where they agree"));
    this.put("c4", xs[0] + w / 2, yLow + h / 2 + 20, math("g", by(symbol("W", 1))));
    this.put("c5", xs[1] + w / 2, yLow + 32, math("g", symbol("δ", 1)));
    this.put("c6", xs[2] + w / 2, yLow + h / 2 + 16, math("v", symbol("a", 0)));
  }
  // A few inputs: each weight times what it weighs, as a list with bars.
  list() {
    const { W, H, narrow, l, j, layer, scale, yUp, yLow, xz, half, at, on, N } = this.plan, { model, app } = this, B = model.blocks, K = layer.inputs, bias = layer.b.length > 0;
    const input = l === 1 ? "x" : `in${l}`, w = (k) => B[`W${l}`].d[j * K + k], a = (k) => B[input].d[k * N], delta = at(`delta${l}`), sorted = [...Array(K).keys()].sort((p, q) => Math.abs(w(q) * a(q)) - Math.abs(w(p) * a(p)));
    const shown = K <= (narrow ? 5 : 8) ? K : 5, chosen = sorted.slice(0, shown).sort((p, q) => p - q), slot = new Map(chosen.map((k, s) => [k, s])), more = K > shown, lines = shown + (bias ? 1 : 0) + (more ? 1 : 0);
    const h = Math.min(44, (H * 0.32) / lines), ch = h * 0.78, cw = (narrow ? 46 : 64) * scale * (narrow ? 1.25 : 1), xi = narrow ? 34 : 26 + cw / 2, xw = xi + cw + (narrow ? 12 : 20), bw = narrow ? 16 : 42 * scale, xb = xw + cw / 2 + (narrow ? 14 : 24) + bw;
    const y = (s, base) => base - ((lines - 1) / 2) * h + s * h, font = ch > 15 ? Math.min(narrow ? 11 : 13, ch * 0.6) : 0, gone = (x, base) => [x, base, 0, 0];
    const top = Math.max(1e-300, ...sorted.map((k) => Math.abs(w(k) * a(k))), bias ? Math.abs(B[`b${l}`].d[j]) : 0), topG = Math.max(1e-300, ...sorted.map((k) => Math.abs(delta * a(k))), bias ? Math.abs(delta) : 0);
    const bar = (yy, x, most, kind, visible) => this.bar(xb, yy, x, most, bw, kind, visible, h);
    let signs = "";
    const column = (x, base) => (k) => (slot.has(k) ? [x, y(slot.get(k), base), cw, ch] : gone(x, base)), ofRow = (x, base) => (r, k) => (r === j ? column(x, base)(k) : gone(x, base)), firstOnly = (place) => (k, e) => (e ? gone(xi, yUp) : place(k));
    this.items.push(cells(input, B[input], "v", firstOnly(column(xi, yUp)), { font, known: app.known(l === 1 || !layer.plain ? input : model.valueKey(l - 1)) }), cells(`W${l}`, B[`W${l}`], "v", ofRow(xw, yUp), { font }));
    this.items.push(cells("own", matrix(K, 1, new Float64Array(K).fill(delta)), "g", column(xi, yLow), { font, scale: Math.max(2 * Math.abs(delta), 1e-9), known: () => on.delta }));
    this.items.push(cells("lent.in", matrix(K, 1, Float64Array.from({ length: K }, (_, k) => a(k))), "v", column(xw, yLow), { font, style: "ghost", known: (k) => on.z || l === 1 }));
    this.items.push(cells(`dW${l}`, B[`dW${l}`], "g", () => gone(xb, yLow), {}));
    const knownW = app.known(`dW${l}`), sum = (list) => list.reduce((s, k) => s + w(k) * a(k), 0);
    for (const k of chosen) {
      bar(y(slot.get(k), yUp), w(k) * a(k), top, "v", on.z);
      bar(y(slot.get(k), yLow), delta * a(k), topG, "g", !knownW || knownW(j, k));
      if (h > 15) for (const base of [yUp, yLow]) signs += `<text class="times" x="${f1((xi + xw) / 2)}" y="${f1(y(slot.get(k), base))}">×</text>${narrow ? "" : `<text class="times" x="${f1(xw + cw / 2 + 10)}" y="${f1(y(slot.get(k), base))}">=</text>`}`;
    }
    this.art("signs", signs);
    if (more) this.items.push(label("rest", xi - cw / 2, y(shown, yUp), `<span class="cap">… ${K - shown} more, together ${show(sum(sorted.slice(shown)), 3)}</span>`, "", { ax: 0 }));
    if (bias) {
      const s = lines - 1, own = (x, base) => (r) => (r === j ? [x, y(s, base), cw, ch] : gone(x, base)), knownB = app.known(`db${l}`);
      this.items.push(cells(`b${l}`, B[`b${l}`], "v", own(xw, yUp), { font }), cells(`db${l}`, B[`db${l}`], "g", own(xi, yLow), { font, known: knownB }));
      this.items.push(label("bias", xi, y(s, yUp), '<span class="cap">bias</span>'), label("biasg", xw, y(s, yLow), `<span class="cap">× 1${narrow ? "" : ", the bias"}</span>`));
      bar(y(s, yUp), B[`b${l}`].d[j], top, "v", on.z);
      bar(y(s, yLow), delta, topG, "g", !knownB || knownB(j));
    }
    const above = yUp - (lines / 2) * h - 14, below = yLow + (lines / 2) * h + 18, name = math("v", inputSymbol(app, l));
    this.put("c1", xi, above, name); this.put("c2", xw, above, math("v", symbol("W", l))); this.put("c3", xb, above, '<span class="cap">w · a</span>');
    this.put("c4", xi, below, math("g", symbol("δ", l))); this.put("c5", xw, below, name); this.put("c6", xb, below, math("g", by(symbol("W", l))));
    if (narrow) return;
    const xs = xb + bw + 56 * scale, first = y(0, yUp) - h * 0.4, last = y(lines - 1, yUp) + h * 0.4;
    this.art("brace", `<path class="brace" d="M${f1(xs - 8)} ${f1(first)}q7 0 7 7V${f1(yUp - 7)}q0 7 7 7q-7 0 -7 7V${f1(last - 7)}q0 7 -7 7"/>${elbow(xs + 9, yUp, xz - half - 4, yUp, "v")}${elbow(xz - half - 6, yLow, xs + 2, yLow, "g")}`);
  }
  bar(x, y, size, most, wide, kind, visible, h, room = this.plan.narrow ? 40 : 56) {
    const length = (Math.abs(size) / most) * wide, thick = Math.min(18, h * 0.52);
    let text = `<path class="axis" d="M${f1(x)} ${f1(y - h * 0.42)}v${f1(h * 0.84)}"/>`;
    if (visible && size) text += `<rect class="${size > 0 ? kind : "n"}fill" x="${f1(size > 0 ? x : x - length)}" y="${f1(y - thick / 2)}" width="${f1(length)}" height="${f1(thick)}" rx="2"/>`;
    if (visible && h > 15) text += `<text class="barnumber ${kind}" x="${f1(x + wide + 5)}" y="${f1(y)}">${numberWithin(size, room, 12, 3)}</text>`;
    this.art(`bar${f1(x)},${f1(y)}`, text);
  }
  middle() {
    const { model } = this, { narrow, l, layer, half, yUp, yLow, xz, px, plot, xa, on, H } = this.plan, center = px + plot / 2, top = H * 0.51 - plot / 2;
    this.one(`z${l}`, "v", xz, yUp, on.z);
    this.one(`delta${l}`, "g", xz, yLow, on.delta);
    this.put("nz", xz, yUp - 30, math("v", symbol("z", l, this.plan.j)));
    this.put("nd", xz, yLow + 32, math("g", symbol("δ", l, this.plan.j)));
    if (!layer.bends) { this.items.push(cells(`a${l}`, model.blocks[`a${l}`], "v", () => [xz, yUp, 0, 0])); if (!narrow) this.art("arrows", elbow(xz + half + 4, yUp, px - 3, Math.max(yUp, top + 16), "v")); return; }
    this.one(`a${l}`, "v", xa, yUp, on.a);
    this.one(`da${l}`, "g", xa, yLow, on.da);
    this.put("na", xa, yUp - 30, math("v", symbol("a", l, this.plan.j)));
    this.put("nda", xa, yLow + 36, math("g", by(symbol("a", l))));
    const ys = narrow ? yLow - 52 : yLow, sigma = math("l", slopeSymbol(layer));
    this.one(`slope${l}`, "l", center, ys, on.a);
    this.put("ns", narrow ? center - half - 6 : center, narrow ? ys : yLow + 34, narrow ? sigma : `${sigma}<span class="cap">the slope here</span>`);
    if (narrow) { this.items.at(-1).ax = -100; return; }
    this.art("arrows", `${elbow(xz + half + 4, yUp, px - 3, Math.max(yUp, top + 16), "v")}${elbow(px + plot + 3, Math.max(yUp, top + 16), xa - half - 4, yUp, "v")}<text class="times big" x="${f1((xz + center) / 2)}" y="${f1(yLow)}">=</text><text class="times big" x="${f1((center + xa) / 2)}" y="${f1(yLow)}">×</text>`);
  }
  // The function, and its tangent where the neuron stands.
  curve() {
    const { l, layer, px, plot, H, at, on } = this.plan, z = at(`z${l}`), a = at(`a${l}`), slope = layer.bends ? at(`slope${l}`) : 1, y0 = H * 0.51 - plot / 2;
    const own = layer.bends ? value[layer.act] : (x) => x, X = Math.max(3.2, Math.abs(z) * 1.25), f = (x) => (own ? own(x) : a + slope * (x - z)), xs = Array.from({ length: 81 }, (_, k) => -X + (2 * X * k) / 80), ys = xs.map(f).filter(Number.isFinite);
    let low = Math.min(0, ...ys, a), high = Math.max(0, ...ys, a);
    [low, high] = [low - 0.08 * (high - low), high + 0.08 * (high - low)];
    const sx = (x) => px + ((x + X) / (2 * X)) * plot, sy = (y) => y0 + plot - ((y - low) / (high - low)) * plot;
    let path = "";
    xs.forEach((x) => { const y = f(x); if (Number.isFinite(y)) path += `${path ? "L" : "M"}${f1(sx(x))} ${f1(sy(y))}`; });
    const below = sy(0) > y0 + plot - 16 ? -9 : 12, right = sx(0) < px + plot * 0.6;
    this.art("plot", `<rect class="plot" x="${f1(px)}" y="${f1(y0)}" width="${f1(plot)}" height="${f1(plot)}" rx="8"/><path class="gridline" d="M${f1(px)} ${f1(sy(0))}h${f1(plot)}M${f1(sx(0))} ${f1(y0)}v${f1(plot)}"/><text class="axisname" x="${f1(px + plot - 8)}" y="${f1(sy(0) + below)}" text-anchor="end">z</text><text class="axisname" x="${f1(px + 9)}" y="${f1(y0 + 14)}">${escaped(layer.act || "identity")}(z)</text><path class="curve" d="${path}"/>`);
    if (on.z) this.art("sum", `<path class="drop" d="M${f1(sx(z))} ${f1(y0)}V${f1(sy(a))}"/>`);
    if (!on.a) return;
    const reach = Math.min(X * 0.42, (0.22 * (high - low)) / Math.max(0.05, Math.abs(slope)), X - z - 0.02, X + z - 0.02);
    this.art("answer", `<path class="drop" d="M${f1(sx(z))} ${f1(sy(a))}H${f1(px + plot)}"/><path class="tangent" d="M${f1(sx(z - reach))} ${f1(clamp(sy(a - slope * reach), y0, y0 + plot))}L${f1(sx(z + reach))} ${f1(clamp(sy(a + slope * reach), y0, y0 + plot))}"/><circle class="dot" cx="${f1(sx(z))}" cy="${f1(sy(a))}" r="5"/>`);
  }
  // Where its gradient comes from: w · δ of every neuron that weighs it, and what comes back from sums that it goes into.
  fan() {
    const { W, H, narrow, l, j, half, yLow, xa, xz, layer, on } = this.plan, { model } = this;
    if (narrow) return;
    const { weighed, other } = model.arriving(`a${l}`, j), order = [...weighed].sort((p, q) => Math.abs(q) - Math.abs(p)), most = other.length ? 5 : 7, kept = weighed.length <= most ? weighed : order.slice(0, most - 1), shown = [...kept.map((x) => [x, ""]), ...other.map(([name, x]) => [x, name === "loss" ? "cost" : "sum"])];
    const from = (layer.bends ? xa : xz) + half + 26, wide = clamp((W - from - 66) / 2, 6, 46), middle = from + wide, h = Math.min(34, (H * 0.46) / (shown.length + 1)), top = Math.max(1e-300, ...shown.map(([x]) => Math.abs(x)));
    shown.forEach(([x, name], s) => {
      const y = yLow - ((shown.length - 1) / 2) * h + s * h;
      this.bar(middle, y, x, top, wide, "g", on.da, h, W - middle - wide - 8);
      if (name) this.art(`name${s}`, `<text class="barnumber" x="${f1(middle + wide + 5)}" y="${f1(y + 13)}">${name}</text>`);
    });
    if (weighed.length > kept.length) this.art("more", `<text class="barnumber" x="${f1(middle - wide)}" y="${f1(yLow + (shown.length / 2) * h + 8)}">… ${weighed.length - kept.length} more</text>`);
    if (layer.bends) this.art("back", elbow(middle - wide - 6, yLow, xa + half + 4, yLow, "g"));
    const title = weighed.length ? `w · δ, ${weighed.length}${other.length ? ", and around" : ""}` : "through the sum";
    this.items.push(label("fan", Math.min(middle + 8, W - 8 - textWidth(title, 12) / 2), yLow - (shown.length / 2) * h - 14, `<span class="cap">${title}</span>`));
  }
  bands() { return []; }
}
