// Layers as vectors and matrices. Above the middle a matrix lies between what it weighs, above it, and what comes out,
// to its right: a row and the vector above make one number. Below it lie the derivatives, each under what it is by: the
// same matrix read by columns, then ∂C/∂W painted row by row from δ and the vector.
class LayerScene {
  constructor(app) { this.app = app; }
  get model() { return this.app.model; }
  draw() {
    const [W, H] = this.app.stage.size;
    this.items = [];
    this.art = "";
    this.fit(W, H);
    const { layers, middle, padLeft, used, padRight } = this.plan;
    let x = padLeft + Math.max(0, (W - padLeft - padRight - used) / 2), before = null;
    const boxes = new Map();
    layers.forEach((layer, k) => {
      const box = this.layer(layer, x);
      boxes.set(layer.l, box);
      if (before) this.between(before, box, layer);
      before = box;
      x = box.right + this.plan.vw / 2 + this.plan.turn;
    });
    this.part = layers.length < this.model.layers.length ? [layers[0].l, layers.at(-1).l] : null;
    if (this.part) this.items.push(...foldedItems(this, W - 14, H - 12, undefined, "more, then C"));
    this.end(before, layers.at(-1), W);
    this.skips(boxes);
    this.items.push(drawing("frames", this.art));
    this.items.push(...lanes(12, H - 12));
    return this.items;
  }
  // The largest cells with which everything fits; if even small ones do not, the layers around the focus.
  fit(W, H) {
    const { model, app } = this, all = model.layers, narrow = W < 620, N = model.count, arcs = model.joins.some((join) => join.around.length) ? (narrow ? 40 : 108) : 0;
    const sized = (layers, c) => {
      const big = c > 30, ch = Math.min(c, 46), vw = N > 1 ? N * clamp(c, 5, 15) : clamp(c, 11, 62), vh = N > 1 ? N * clamp(c, 4, 11) : clamp(ch, 11, 40);
      const gv = narrow ? 5 : big ? 20 : 12, gs = narrow ? 24 : Math.max(vw + 2 * (big ? 20 : 14), 44) - gv, turn = narrow ? 26 : 78, padLeft = narrow ? 14 : 84, padRight = narrow ? 66 : 160;
      const width = (x) => x.inputs * c + (x.b.length ? gv + vw : 0) + gv + vw + (x.bends ? gv + gs + vw : 0);
      const used = layers.reduce((s, x) => s + width(x), 0) + (layers.length - 1) * turn, rows = Math.max(...layers.map((x) => x.size));
      return { layers, c, ch, vw, vh, gv, gs, turn, padLeft, padRight, used, fits: padLeft + padRight + used <= W && 2 * rows * ch + 2 * vh + 128 + arcs <= H };
    };
    const best = (layers) => { for (let c = 62; c > 0.4; c -= c > 16 ? 1 : 0.1) { const plan = sized(layers, c); if (plan.fits) return plan; } return sized(layers, 0.4); };
    let plan = best(all), from = 0, to = all.length;
    const at = clamp(app.focus.l - 1, 0, all.length - 1);
    while ((all.length > 5 && to - from > 4) || (plan.c < 12 && to - from > 3) || (plan.c < 2.4 && to - from > 1)) {
      if (at - from > to - 1 - at) from++; else to--;
      plan = best(all.slice(from, to));
    }
    const font = N > 1 ? 0 : plan.c >= 46 ? 13 : plan.c >= 34 ? 11 : 0;
    this.plan = { ...plan, W, H, narrow, N, font, digits: plan.c >= 46 ? 3 : 2, middle: H / 2, gap: font ? 26 : 24, large: plan.c >= 30 && !narrow, look: font ? { font, digits: plan.c >= 46 ? 3 : 2 } : { frame: 1 } };
  }
  put(key, block, kind, place, more = {}) {
    if (block) this.items.push(cells(key, block, kind, place, { known: this.app.known(more.as ?? key), ...this.plan.look, ...more }));
  }
  layer(layer, x) {
    const { model, app, plan } = this, { c, ch, vw, vh, gv, gs, N, middle, gap, font, large, narrow, digits } = plan, { l, inputs: K, size: R } = layer, B = model.blocks, first = l === 1;
    const top = middle - gap - R * ch, low = middle + gap, p = app.p, { byKey } = app.clock, yTop = top - (large ? 15 : 12) - vh / 2, yLow = low + R * ch + (large ? 15 : 12) + vh / 2;
    const input = first ? "x" : `in${l}`, back = this.backKey(layer), cell = (y) => (j, k) => [x + k * c + c / 2, y + j * ch + ch / 2, c, ch];
    const across = (y, h) => (k, e) => [x + k * c + c / 2, y - h / 2 + ((e + 0.5) * h) / N, c, h / N];
    const begun = p > byKey[`dW${l}`].at, lent = !begun && p >= byKey[`delta${l}`].end, painting = byKey[`dW${l}`].at < p && p <= byKey[`dW${l}`].end && p < app.clock.length;
    this.put(`W${l}`, B[`W${l}`], "v", cell(top));
    this.put(`dW${l}`, B[`dW${l}`], "g", cell(low));
    if (lent) this.put(`lent.W${l}`, B[`W${l}`], "v", cell(low), { style: "ghost", as: "", from: app.stage.placeOf(`W${l}`) });
    this.put(first ? "x" : `turned${l}`, B[input], "v", across(yTop, vh), { as: layer.plain && !first ? model.valueKey(l - 1) : input, from: first ? null : app.stage.placeOf(`a${l - 1}`) });
    this.put(first ? "dx" : `dturned${l}`, B[first ? "dx" : `din${l}`], "g", across(yLow, vh), { as: back });
    const slim = Math.min(vh, 18);
    if (painting) this.put(`lent.in${l}`, B[input], "v", across(low - 4 - slim / 2, slim), { ...(font ? { font: 10.5, digits } : {}), style: "ghost", as: "", from: app.stage.placeOf(first ? "x" : `turned${l}`) });
    let at = x + K * c + gv + vw / 2;
    const column = (key, kind, X, y, more = {}) => this.put(key, B[key], kind, (j, e) => [X - vw / 2 + ((e + 0.5) * vw) / B[key].c, y + j * ch + ch / 2, vw / B[key].c, ch], more);
    const tag = (key, X, upper, text, drop = 0) => { if (!narrow || vw >= 24) this.items.push(label(`name:${key}`, X, upper ? top - 13 : low + R * ch + 17 + drop, text, "tag")); };
    const sign = (id, X, y, text) => { if (large && gv > 16) this.items.push(label(`sign${l}${id}`, X, y + (R * ch) / 2, text, "op")); };
    if (layer.b.length) {
      column(`b${l}`, "v", at, top);
      column(`db${l}`, "g", at, low);
      if (vw + gv >= 15 + 7 * String(l).length) {
        tag(`b${l}`, at, true, math("v", symbol("b", l)));
        tag(`db${l}`, at, false, math("g", by(symbol("b", l))), vw + gv < 32 ? 21 : 0);
      }
      sign("+", at - vw / 2 - gv / 2, top, "+");
      at += vw + gv;
    }
    const xz = at;
    sign("=", xz - vw / 2 - gv / 2, top, "=");
    column(`z${l}`, "v", xz, top);
    column(`delta${l}`, "g", xz, low);
    tag(`delta${l}`, xz, false, math("g", symbol("δ", l)));
    if (layer.bends) {
      const xa = xz + vw / 2 + gv + gs + vw / 2, xs = (xz + xa) / 2, pinched = vw < 30 || textWidth(`${layer.act}′(z1)`, 15) / 2 + 18 > xa - xs;
      tag(`z${l}`, xz, true, math("v", symbol("z", l)));
      column(`a${l}`, "v", xa, top, { scale: Math.max(1, ...B[`a${l}`].d.map(Math.abs)) });
      tag(`a${l}`, xa, true, math("v", symbol("a", l)));
      this.art += `<g transform="translate(${f1(xs)} ${f1(top + (R * ch) / 2)})">${bend(layer.act, large ? 1.5 : 1)}</g>`;
      column(`slope${l}`, "l", xs, low, { as: `a${l}` });
      tag(`slope${l}`, xs, false, math("l", slopeSymbol(layer)), pinched ? 21 : 0);
      column(`da${l}`, "g", xa, low, { as: byKey[`da${l}`] ? `da${l}` : `delta${l}` });
      tag(`da${l}`, xa, false, math("g", by(symbol("a", l))));
      sign("e", (xz + xs) / 2, low, "=");
      sign("o", (xs + xa) / 2, low, "⊙");
      at = xa;
    } else {
      tag(`z${l}`, xz, true, math("v", symbol("z", l)));
      this.put(`a${l}`, B[`a${l}`], "v", (j) => [xz, top + j * ch + ch / 2, 0, 0], { as: `z${l}` });
      this.put(`da${l}`, B[`da${l}`], "g", (j) => [xz, low + j * ch + ch / 2, 0, 0], { as: `delta${l}` });
    }
    if (!narrow) this.names(layer, x, { top, low, yTop, yLow, lent, back });
    return { right: at, back: layer.bends ? at : xz, top, low, bottom: low + R * ch, yTop, yLow, left: x };
  }
  names(layer, x, { top, low, yTop, yLow, lent, back }) {
    const { c, ch, vh } = this.plan, { l, inputs: K, size: R } = layer, first = l === 1, items = this.items, high = R * ch, tight = high < 44 && !first;
    const side = (key, y, text) => items.push(label(`name:${key}`, x - 10, y, text, "left", { ax: -100 }));
    side(`W${l}`, top + high / 2 + (tight ? 6 : 0), `${math("v", symbol("W", l))}<small>${R} × ${K}</small>`);
    side(`dW${l}`, low + high / 2 - (tight ? 4 : 0), lent ? `${math("v", symbol("W", l))}<small>by columns</small>` : math("g", by(symbol("W", l))));
    const above = inputSymbol(this.app, l), below = math("g", by(inputSymbol(this.app, l, true)));
    if (first) { side("x", yTop, math("v", above)); side("dx", yLow, below); }
    else {
      items.push(label(`name:turned${l}`, x + (K * c) / 2, yTop - vh / 2 - 12, math("v", above), "left"));
      items.push(label(`name:dturned${l}`, x + (K * c) / 2, yLow + vh / 2 + 17, below, "left"));
    }
  }
  backKey(layer) {
    if (layer.l === 1) return "dx";
    return layer.plain ? this.model.backKey(layer.l - 1) : `din${layer.l}`;
  }
  between(a, b, layer) {
    const { vw, ch, middle, gap } = this.plan, from = a.right + vw / 2 + 6;
    this.art += elbow(from, clamp(b.yTop, a.top + ch / 2, middle - gap - ch / 2), b.left - 6, b.yTop, "v");
    this.art += elbow(b.left - 6, b.yLow, from, clamp(b.yLow, a.low + ch / 2, a.bottom - ch / 2), "g");
  }
  // What goes around layers: above the middle its values, below it what comes back.
  skips(boxes) {
    const { app, model } = this, { narrow, vh, c, W, ends } = this.plan, last = model.layers.length, lower = narrow ? 12 : 30;
    const middleOf = (l) => boxes.get(l).left + (model.layers[l - 1].inputs * c) / 2;
    // where a block lies as a row: before the layer that weighs it; what is not in the picture comes from its left
    const home = (key) => (key === "x" ? 1 : key.startsWith("in") ? +key.slice(2) : +key.slice(1) + 1);
    const arcs = skipArcs(model.joins, home, last + 1).filter(({ to }) => boxes.has(to) || (to > last && boxes.has(last)));
    for (const { join, key, from, to, level } of arcs) {
      const start = boxes.get(from), end = boxes.get(to), x0 = start ? middleOf(from) + 8 : 12, x1 = end ? middleOf(to) - 8 : ends[0], across = [...boxes].filter(([l]) => l >= from && l <= to).map(([, box]) => box);
      const bare = vh / 2 + 4, edge = narrow ? bare : vh / 2 + 22, up = Math.min(...across.map((box) => box.yTop)) - edge - (narrow ? 10 : 26) - 26 * level, down = Math.max(...across.map((box) => box.yLow)) + edge + lower + (narrow ? 0 : 14) + 26 * level;
      const known = app.known(`${join.key}>${key}`), y0 = (box, l) => box.yTop - (l > 1 ? edge : bare), y1 = (box, l) => box.yLow + (l > 1 ? edge + (narrow ? 0 : 14) : bare);
      this.art += skipPath(x0, start ? y0(start, from) : up + 14, x1, end ? y0(end, to) : ends[1], up, "v") + skipPath(x0, start ? y1(start, from) : down - 14, x1, end ? y1(end, to) : ends[2], down, known ? "" : "g");
      if (!narrow) this.items.push(...skipCells(app, join, key, (x0 + x1) / 2, up, down, x1 - x0 - 40));
    }
  }
  end(box, layer, W) {
    const { vw, ch, middle, gap, narrow, N } = this.plan, { t } = this.model.blocks, total = this.model.layers.length;
    const w = narrow ? 50 : 104, h = narrow ? 48 : 62, x = Math.min(W - w / 2 - (narrow ? 5 : 14), box.right + vw / 2 + (narrow ? 12 : 40) + w / 2);
    this.plan.ends = [x + w / 2 - (narrow ? 2 : 12), middle - h / 2 - 5, middle + h / 2 + 5];
    const high = layer.size * ch, reach = Math.min(high - ch / 2, high * 0.5 + 8), from = box.right + vw / 2 + 6, to = box.back + vw / 2 + 6;
    this.art += `<path class="middle" d="M16 ${f1(middle)}H${f1(x - w / 2 - 14)}"/>`;
    if (layer.l < total) return;
    this.art += `<rect class="node root" x="${f1(x - w / 2 - 3)}" y="${f1(middle - h / 2 - 3)}" width="${w + 6}" height="${h + 6}" rx="9"/>`;
    const out = middle - gap - reach, back = middle + gap + reach;
    if (!narrow) {
      this.art += out < middle - h / 2 - 14 ? bow(from, out, x, middle - h / 2 - 6, "v", true) : elbow(from, out, x - w / 2 - 5, middle - h / 4, "v");
      this.art += back > middle + h / 2 + 14 ? bow(x, middle + h / 2 + 6, to, back, "g", false) : elbow(x - w / 2 - 5, middle + h / 4, to, back, "g");
    }
    this.items.push(...costItems(this.app, x, middle, w, h, narrow ? 11 : 14, narrow));
    if (!t) return;
    const fits = t.r <= 3 && N === 1 && !narrow, y = middle + h / 2 + 64;
    this.items.push(cells("t", t, "v", (i) => (fits ? [x, y + i * 22, 52, 20] : [x, middle, 0, 0]), fits ? { font: 11.5 } : {}));
    if (fits) this.items.push(label("lt", x, y + t.r * 22, `target ${math("v", "<mi>t</mi>")}`, "tiny"));
  }
  bands() {
    const { phase, row } = this.app.clock.at(this.app.p), { key, layer } = phase;
    if (!layer) return [[key, "each"]];
    const { l } = layer, input = l === 1 ? "x" : `turned${l}`, rowOf = (i) => i === row, columnOf = (i, j) => j === row, all = () => true, next = this.model.layers[l];
    if (key === `z${l}`) return [[`W${l}`, rowOf], [input, all], [key, rowOf]];
    if (key === `a${l}`) return [[`z${l}`, rowOf], [key, rowOf]];
    if (key === "dx") return [["lent.W1", columnOf], ["delta1", all], ["dx", rowOf]];
    if (key === `din${l}`) return [[`lent.W${l}`, columnOf], [`delta${l}`, all], [`dturned${l}`, rowOf]];
    if (key === `da${l}`) return [[`lent.W${next.l}`, columnOf], [`delta${next.l}`, all], [`dturned${next.l}`, rowOf], [key, rowOf]];
    if (key === `delta${l}`) return [[`da${l}`, rowOf], [`slope${l}`, rowOf], [key, rowOf]];
    if (key === `dW${l}`) return [[key, rowOf], [`delta${l}`, rowOf], [`lent.in${l}`, all]];
    if (key === `db${l}`) return [[`delta${l}`, rowOf], [key, rowOf]];
    return [[key, rowOf]];
  }
}
// A small drawing of a function.
function bend(name, size = 1) {
  const f = value[name];
  if (!f) return "";
  const high = Math.max(...[-3, 3].map((x) => Math.abs(f(x)) || 0), 1), low = name === "sigmoid" ? 0.5 : 0;
  let d = "";
  for (let x = -10; x <= 10; x++) d += `${d ? "L" : "M"}${x} ${f1((-8 * ((f(x / 3.3) || 0) - low)) / (high - low))}`;
  return `<path class="bend" transform="scale(${size})" d="${d}"/>`;
}
