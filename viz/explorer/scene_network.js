// The network: a domino for each neuron, its value above its gradient, and on each line a weight above its gradient.
// What is too many for dominoes is laid out as tiles: scene_tiles.js.
class NetworkScene {
  constructor(app) { this.app = app; }
  get model() { return this.app.model; }
  // What holds the columns: inputs, layers, and sums that go around a layer.
  columns() {
    const list = [{ key: "x", grad: "dx", l: 0, n: this.model.network.sizes[0] }];
    for (const layer of this.model.layers) {
      if (!layer.plain) list.push({ key: `in${layer.l}`, grad: `din${layer.l}`, l: -layer.l, n: layer.inputs });
      list.push({ key: `a${layer.l}`, grad: `delta${layer.l}`, l: layer.l, n: layer.size, layer });
    }
    return list;
  }
  // The columns that have room, around the focus.
  fold(all, W) {
    const most = Math.max(4, Math.floor((W - 100) / (W < 560 ? 34 : 40))), at = all.findIndex((c) => c.l === this.app.focus.l), from = clamp(at - (most >> 1), 0, Math.max(0, all.length - most)), shown = all.slice(from, from + most), layers = shown.map((c) => c.l).filter((l) => l > 0);
    this.part = shown.length < all.length ? [Math.min(...layers), Math.max(...layers)] : null;
    return shown;
  }
  draw() {
    const { model, app } = this, [W, H] = app.stage.size, { sizes } = model.network, N = model.count, most = Math.max(...sizes);
    const narrow = W < 560, all = this.columns(), columns = this.fold(all, W), last = columns.at(-1) === all.at(-1) ? columns.length : -1;
    const arcs = skipArcs(model.joins, (key) => columns.findIndex((c) => c.key === key), last), levels = 1 + Math.max(-1, ...arcs.map((arc) => arc.level)), lift = narrow ? 16 : 36, small = most <= 5 && sizes.every((n, k) => !k || n * sizes[k - 1] <= 12);
    const top = (app.hasPicks ? 104 : narrow ? 40 : 56) + levels * lift, bottom = narrow ? 34 : 42, left = narrow ? 42 : small ? 92 : 76, right = narrow ? 38 : small ? 92 : 84;
    const room = (W - left - right) / columns.length, free = H - top - bottom;
    const inWords = ({ l, layer }) => (l === 0 ? "input" : l < 0 ? (model.joins.find((join) => join.l === -l).stacked ? "joined" : "sum") : `layer ${l} · ${layer.act || "identity"}`), brief = columns.some((c) => textWidth(inWords(c), 12) + 16 > room);
    const lineCount = Math.max(...model.layers.map((layer) => layer.inputs * layer.size));
    const beads = small && !narrow && room * 0.46 >= 80 + 6 * lineCount, biased = beads && model.layers.some((layer) => layer.b.length);
    const pitch = Math.min(small ? H * 0.36 : 120, free / most), under = biased ? 44 : 0;
    const nh = small ? clamp(Math.min(H / 7.2, pitch - under - 22), 38, 86) : clamp(pitch - 7, 8, 46);
    const nw = small ? Math.min(narrow ? 70 : 128, room * (narrow ? 0.66 : 0.54)) : Math.min(nh > 34 ? 70 : Math.max(nh * 1.35, 12), room * (narrow ? 0.72 : 0.5));
    const font = N > 1 || nh < 38 || nw < 40 ? 0 : small ? (nw > 90 ? 16 : 11.5) : nw > 56 ? 11.5 : 10;
    const xEnd = W - right, pace = Math.min(room, (xEnd - left - (narrow ? 43 : 64) - nw / 2) / Math.max(1, columns.length - 1)), X = columns.map((_, k) => left + k * pace), middle = top + free / 2;
    const Y = columns.map((c) => {
      const step = Math.min(small ? H * 0.36 : 120, (free - nh - under) / Math.max(1, c.n - 1));
      return Array.from({ length: c.n }, (_, i) => middle - under / 2 + (i - (c.n - 1) / 2) * step);
    });
    this.plan = { columns, X, Y, nw, nh, xEnd, last: last > 0, many: columns.length > 10, middle: middle - under / 2, small, narrow, N, arcs, lift, top };
    const items = [drawing("frames", this.frames()), ...this.lines()];
    columns.forEach((c, k) => items.push(...this.dominoes(c, k, font, beads)));
    const whole = model.layers.filter((layer) => this.ends(layer)[0] >= 0);
    if (!this.plan.many) for (const layer of whole) items.push(...this.weights(layer, beads));
    if (this.part) items.push(...foldedItems(this, W - 16, H - 16));
    columns.forEach((c, k) => {
      items.push(label(`head${c.key}`, X[k], app.hasPicks ? (narrow ? 54 : 62) : narrow ? 16 : 24, `<span class="cap">${brief && c.l > 0 ? c.l : escaped(inWords(c))}</span>`));
    });
    items.push(...this.cost(), ...this.skips());
    if (!narrow || !this.part) items.push(label("meaning", 16, H - 16, this.meaning, "note", { ax: 0, ay: -100 }));
    return items;
  }
  frames() {
    const { columns, X, Y, nw, nh, xEnd, middle, narrow } = this.plan;
    let text = "";
    columns.forEach((c, k) => Y[k].forEach((y) => {
      text += `<rect class="node" x="${f1(X[k] - nw / 2 - 3)}" y="${f1(y - nh / 2 - 3)}" width="${f1(nw + 6)}" height="${f1(nh + 6)}" rx="${f1(Math.min(10, nh / 4))}"/>`;
    }));
    const w = (this.plan.cw = narrow ? 62 : 104), h = (this.plan.ch = narrow ? 56 : clamp(nh, 56, 72));
    return `${text}<rect class="node root" x="${f1(xEnd - w / 2 - 3)}" y="${f1(middle - h / 2 - 3)}" width="${w + 6}" height="${f1(h + 6)}" rx="9"/>`;
  }
  dominoes(c, k, font, beads) {
    const { model, app } = this, { X, Y, nw, nh, N } = this.plan, block = model.blocks[c.key], gradient = model.blocks[c.grad], items = [];
    const half = (dy) => (i, e) => [X[k] - nw / 2 + ((e + 0.5) * nw) / N, Y[k][i] + dy, nw / N, nh / 2 - (font ? 0 : 1)];
    const hidden = (i) => [X[k], Y[k][i], 0, 0], layer = c.layer, known = (key) => app.known(key);
    items.push(cells(c.key, block, "v", half(-nh / 4), { font, scale: Math.max(1, ...block.d.map(Math.abs)), known: known(layer ? model.valueKey(c.l) : c.key) }));
    items.push(cells(c.grad, gradient, "g", half(nh / 4), { font, known: known(c.grad) }));
    if (font === 16 && N === 1 && nw >= 60 + textWidth("−0.555", 16)) Y[k].forEach((y, i) => {
      const letter = c.l < 0 ? "" : model.letter(c.l);
      if (letter) items.push(label(`i${c.key}.${i}`, X[k] - nw / 2 + 9, y - nh / 4, math("v", symbol(letter, c.l, i)), "name", { ax: 0 }));
      if (c.l > 0) items.push(label(`d${c.key}.${i}`, X[k] - nw / 2 + 9, y + nh / 4, math("g", symbol("δ", c.l, i)), "name", { ax: 0 }));
    });
    if (!layer || this.plan.many) return items; // of many layers cells do not fly, which would be too many to keep
    items.push(cells(`z${c.l}`, model.blocks[`z${c.l}`], "v", hidden));
    if (layer.bends) items.push(cells(`slope${c.l}`, model.blocks[`slope${c.l}`], "l", hidden));
    items.push(cells(`da${c.l}`, model.blocks[`da${c.l}`], "g", hidden));
    if (layer.b.length) {
      const at = (dy) => (i) => (beads ? [X[k], Y[k][i] + nh / 2 + dy, 58, 17] : hidden(i));
      items.push(cells(`b${c.l}`, model.blocks[`b${c.l}`], "v", at(18), { font: beads ? 11 : 0 }));
      items.push(cells(`db${c.l}`, model.blocks[`db${c.l}`], "g", at(35), { font: beads ? 11 : 0, known: known(`db${c.l}`) }));
      if (beads) Y[k].forEach((y, i) => items.push(label(`lb${c.l}.${i}`, X[k] + 34, y + nh / 2 + 26, math("v", symbol("b", c.l)), "tiny", { ax: 0 })));
    }
    return items;
  }
  // Which columns a layer's lines join.
  ends(layer) {
    const { columns } = this.plan, b = columns.findIndex((c) => c.l === layer.l);
    return b < 1 ? [-1, -1] : [b - 1, b];
  }
  weights(layer, beads) {
    const { model, app } = this, { X, Y, nw } = this.plan, [a, b] = this.ends(layer), x0 = X[a] + nw / 2 + 3, x1 = X[b] - nw / 2 - 3;
    const spots = beads ? beadSpots(x0, x1, Y[a], Y[b], 56, 36) : null;
    const place = (dy) => (j, k) => {
      const f = spots ? spots[j][k] : 0.4;
      return [x0 + (x1 - x0) * f, Y[a][k] + (Y[b][j] - Y[a][k]) * f + (spots ? dy : 0), spots ? 56 : 0, spots ? 17 : 0];
    };
    const font = beads ? 11 : 0;
    return [
      cells(`W${layer.l}`, model.blocks[`W${layer.l}`], "v", place(-8.5), { font }),
      cells(`dW${layer.l}`, model.blocks[`dW${layer.l}`], "g", place(8.5), { font, known: app.known(`dW${layer.l}`) }),
    ];
  }
  cost() {
    const { model, app } = this, { xEnd, middle, cw, ch, narrow, N } = this.plan, items = costItems(app, xEnd, middle, cw, ch, narrow ? 11 : 15, narrow);
    const { t } = model.blocks;
    if (!narrow) items.push(label("headC", xEnd, app.hasPicks ? 62 : 24, '<span class="cap">cost</span>'));
    if (t && t.r <= 4 && N === 1 && !narrow) {
      items.push(cells("t", t, "v", (i) => [xEnd, middle + ch / 2 + 46 + i * 22, cw * 0.6, 20], { font: 12 }));
      items.push(label("lt", xEnd, middle + ch / 2 + 46 + t.r * 22, `target ${math("v", "<mi>t</mi>")}`, "tiny"));
    } else if (t) items.push(cells("t", t, "v", () => [xEnd, middle, 0, 0]));
    return items;
  }
  // Lines as wide as what they carry at this moment: weights, products, or gradients; each layer's are a drawing of their
  // own, so that a step draws what it changes.
  lines() {
    const { X, Y, nw, nh, xEnd, middle, cw, columns } = this.plan;
    this.meaning = "";
    let text = "";
    const list = this.model.layers.filter((layer) => this.ends(layer)[0] >= 0).map((layer) => drawing(`lines${layer.l}`, this.linesOf(layer)));
    const last = columns.length - 1;
    for (const y of this.plan.last ? Y[last] : []) text += `<path class="wire none" d="M${f1(X[last] + nw / 2 + 3)} ${f1(y)}L${f1(xEnd - cw / 2 - 3)} ${f1(middle)}"/>`;
    columns.forEach((c, k) => {
      if (c.l >= 0 || !k) return;
      const { rows } = this.model.joins.find((join) => join.key === c.key);
      Y[k].forEach((y, i) => { for (const [key, row] of rows[i]) if (key === columns[k - 1].key) text += `<path class="wire none" d="M${f1(X[k - 1] + nw / 2 + 3)} ${f1(Y[k - 1][row])}L${f1(X[k] - nw / 2 - 3)} ${f1(y)}"/>`; });
    });
    const { p, clock } = this.app;
    if (!this.meaning) this.meaning = p === 0 && !this.plan.narrow ? "line width: the weight; solid is positive, dashed is negative" : p >= clock.length ? span("g", "line width: ∂C/∂w") : "line width: the weight";
    return [...list, drawing("lines", text)];
  }
  // What goes around layers: an arc above them, and on it the values that go and the gradients that come back.
  skips() {
    const { X, Y, nw, nh, xEnd, middle, cw, ch, narrow, arcs, lift } = this.plan, { app } = this, items = [];
    let text = "";
    for (const { join, key, from, to, level } of arcs) {
      const end = to < X.length, x0 = X[from] + Math.min(10, nw / 4), x1 = end ? X[to] - Math.min(10, nw / 4) : xEnd + cw / 2 - (narrow ? 2 : 12), foot = (end ? Y[to][0] - nh / 2 : middle - ch / 2) - 5;
      const highest = Math.min(...Y.slice(from, to + 1).map((list) => list[0])), y = highest - nh / 2 - (narrow ? 10 : 22) - level * lift;
      text += skipPath(x0, Y[from][0] - nh / 2 - 3, x1, foot, y, app.known(`${join.key}>${key}`) ? "v" : "g");
      if (!narrow) items.push(...skipCells(app, join, key, (x0 + x1) / 2, y - 7, y + 7, x1 - x0 - 44));
    }
    return [drawing("skips", text), ...items];
  }
  // What a layer's lines show now.
  carried(layer) {
    const { model, app } = this, { clock, p } = app, { l } = layer, now = clock.at(p), W = model.blocks[`W${l}`];
    const key = l === 1 ? "dx" : layer.plain ? model.backKey(l - 1) : `din${l}`;
    const input = model.blocks[l === 1 ? "x" : `in${l}`], delta = model.blocks[`delta${l}`], one = model.count === 1, at = (i) => (r) => i === r;
    if (p > clock.byKey[`dW${l}`].at) {
      const known = app.known(`dW${l}`);
      return { kind: "g", value: model.blocks[`dW${l}`].d, shown: known || (() => true), live: now.phase.key === `dW${l}` };
    }
    if (now && one && now.phase.key === `z${l}`) {
      const known = app.known(`z${l}`);
      this.meaning = span("v", "line width: w · a, what arrives");
      return { kind: "v", value: W.d.map((w, n) => w * input.d[n % W.c]), shown: (j) => !known || known(j) || at(now.row)(j), live: true };
    }
    if (now && one && now.phase.key === key) {
      const known = app.known(key);
      this.meaning = span("g", "line width: w · δ, what comes back");
      return { kind: "g", value: W.d.map((w, n) => w * delta.d[Math.floor(n / W.c)]), shown: (j, k) => !known || known(k) || at(now.row)(k), live: true };
    }
    return { kind: p ? "quiet" : "v", value: W.d, shown: () => true, live: false };
  }
  linesOf(layer) {
    const { X, Y, nw, small } = this.plan, [a, b] = this.ends(layer), { inputs, size } = layer, { kind, value, shown, live } = this.carried(layer);
    if (live && kind === "g" && !this.meaning) this.meaning = span("g", "line width: ∂C/∂w");
    let top = 1e-300;
    for (const x of value) top = Math.max(top, Math.abs(x));
    const many = inputs * size, wide = small ? 5.5 : many > 120 ? 2.4 : many > 30 ? 3 : 4.5, groups = new Map();
    for (let j = 0; j < size; j++) for (let k = 0; k < inputs; k++) {
      const x = shown(j, k) ? value[j * inputs + k] : 0, level = x ? Math.sign(x) * (1 + Math.floor((Math.abs(x) / top) * 5.99)) : 0;
      if (!groups.has(level)) groups.set(level, []);
      groups.get(level).push(`M${f1(X[a] + nw / 2 + 3)} ${f1(Y[a][k])}L${f1(X[b] - nw / 2 - 3)} ${f1(Y[b][j])}`);
    }
    let text = "";
    for (const [level, list] of [...groups].sort((p, q) => Math.abs(p[0]) - Math.abs(q[0]))) {
      const part = Math.abs(level) / 6, width = Math.abs(level) > (many > 120 ? 3 : many > 30 ? 2 : 0) ? 0.8 + wide * part : 1; // lines of one pixel cost the least, dashes the most
      const dash = level < 0 && (many <= 30 || level < (many > 120 ? -4 : -2)) ? ` stroke-dasharray="${f1(Math.max(many > 120 ? 16 : 5, 2.2 * width))} ${f1(Math.max(many > 120 ? 5 : 2.5, 0.8 * width))}"` : "";
      const opacity = !level ? 0.55 : many > 120 ? 0.04 + (live ? 0.9 : 0.72) * part * part : many > 30 ? 0.1 + (live ? 0.8 : 0.55) * part * part : (live ? 0.35 : 0.3) + (live ? 0.65 : 0.45) * part;
      text += `<path class="wire ${level ? kind : "none"} ${level < 0 ? "minus" : ""}" stroke-width="${f1(width)}"${dash} stroke-opacity="${opacity.toFixed(2)}" d="${list.join("")}"/>`;
    }
    return text;
  }
  bands() {
    const { phase } = this.app.clock.at(this.app.p), { key, layer } = phase;
    if (layer && (key === `z${layer.l}` || key === `a${layer.l}`)) return [[`a${layer.l}`, "each"]];
    if (layer && key === `da${layer.l}`) return [[`delta${layer.l}`, "each"]];
    return [[key, "each"]];
  }
}
// The cost and the 1 that comes back from it.
function costItems(app, x, y, w, h, font, narrow) {
  const within = h > 54 && !narrow, items = [
    cells("loss", app.model.blocks.loss, "v", () => [x, y - h / 4, w, h / 2], { font, indent: within ? 9 : 0, known: app.known("loss") }),
    cells("seed", app.model.blocks.seed, "g", () => [x, y + h / 4, w, h / 2], { font, known: app.known("seed") }),
  ];
  if (within) items.push(label("lC", x - w / 2 + 8, y - h / 4, math("v", "<mi>C</mi>"), "name", { ax: 0 }));
  else items.push(label("lC", x, y - h / 2 - 15, `<span class="cap">cost</span> ${math("v", "<mi>C</mi>")}`));
  return items;
}
// Where on its line each weight sits: off the others, and off other lines as far as that goes.
function beadSpots(x0, x1, from, to, w, h) {
  const placed = [], spots = to.map(() => []), tries = [0.3, 0.36, 0.24, 0.43, 0.5, 0.57, 0.64, 0.7, 0.18, 0.76];
  const cost = (x, y, f, own) => {
    let sum = Math.abs(f - 0.34);
    for (const [px, py] of placed) {
      const dx = w + 4 - Math.abs(px - x), dy = h + 4 - Math.abs(py - y);
      if (dx > 0 && dy > 0) sum += 20 + Math.min(dx, dy);
    }
    to.forEach((v, j) => from.forEach((u, k) => {
      if (own[0] === j && own[1] === k) return;
      for (const shift of [-0.5, 0, 0.5]) if (Math.abs(u + ((v - u) * (x + shift * w - x0)) / (x1 - x0) - y) < h / 2) sum += 1.5;
    }));
    return sum;
  };
  to.forEach((v, j) => from.forEach((u, k) => {
    let best = 0.3, least = Infinity;
    for (const f of tries) {
      const x = x0 + (x1 - x0) * f;
      if (x - w / 2 < x0 + 2 || x + w / 2 > x1 - 2) continue;
      const c = cost(x, u + (v - u) * f, f, [j, k]);
      if (c < least) [least, best] = [c, f];
    }
    placed.push([x0 + (x1 - x0) * best, u + (v - u) * best]);
    spots[j][k] = best;
  }));
  return spots;
}
