// A network with many inputs: the input as an image, for each neuron its weights as an image, and below all gradients.
class TilesScene {
  constructor(app) { this.app = app; }
  get model() { return this.app.model; }
  draw() {
    const { model, app } = this, [W, H] = app.stage.size, { sizes } = model.network, narrow = W < 620, lane = H / 2;
    const [rows, cols] = app.image, hidden = model.layers.slice(0, -1), last = model.layers.at(-1), items = [];
    const head = app.hasPicks ? 34 : 8, upper = (lane + head) / 2 + 8, lower = H - lane / 2 - 4, tall = lane - head - (narrow ? 98 : 66);
    const outs = Math.min(sizes.at(-1), 20), outHigh = clamp(tall / outs, 6, 22);
    // widths: the image, a block of tiles for each hidden layer, the outputs
    const free = W - (narrow ? 16 : 64), shares = 0.26 + 0.3 * hidden.length + 0.3, pad = narrow ? 10 : Math.max(18, free * 0.045);
    const cell = clamp(Math.min(tall / rows, (free * 0.24) / (shares * cols) ), 1.2, 23), x0 = narrow ? 8 : 30;
    let x = x0 + Math.max(cell * cols, narrow ? 24 : 84) + pad;
    const image = (y) => (i) => [x0 + (i % cols) * cell + cell / 2, y - (rows * cell) / 2 + Math.floor(i / cols) * cell + cell / 2, cell, cell];
    items.push(cells("x", model.blocks.x, "v", this.first(image(upper)), { frame: 1 }), cells("dx", model.blocks.dx, "g", this.first(image(lower)), { frame: 1, known: app.known("dx") }));
    const name = (text, cap) => (narrow ? text : `${text}<span class="cap">${cap}</span>`), high = rows * cell;
    const captions = [app.model.count > 1 ? `of ${app.names[0]}` : "the input", "by each of it"], middle = Math.max(x0 + (cols * cell) / 2, narrow ? 16 : Math.max(...captions.map((text) => textWidth(text, 12))) / 2 + 24);
    items.push(label("hx", middle, upper - high / 2 - 15, name(math("v", symbol("a", 0)), escaped(captions[0])), "row"));
    items.push(label("fx", middle, lower + high / 2 + 19, name(math("g", by(symbol("a", 0))), captions[1]), "row"));
    let frames = "";
    const room = W - x - (narrow ? 110 : 224), most = Math.max(1, Math.floor(room / ((narrow ? 44 : 84) + pad)));
    const from = clamp(app.focus.l - 1 - Math.floor(most / 2), 0, Math.max(0, hidden.length - most)), seen = hidden.slice(from, from + most), wide = Math.min((free * 0.34) / shares, room / seen.length - pad);
    this.part = seen.length < hidden.length ? [seen[0].l, seen.at(-1).l] : null;
    if (this.part) items.push(...foldedItems(this, W - 14, H - 10, hidden.length));
    for (const layer of seen) {
      const box = this.tileLayer(layer, x, wide, tall, upper, lower, narrow, items);
      frames += box.frames;
      x += box.width + pad;
    }
    frames += this.outputs(last, x, W, outs, outHigh, upper, lower, narrow, items);
    const cost = app.known("loss") ? "" : `<span class="cap">cost</span> ${math("v", `<mi>C</mi><mo>=</mo><mn>${show(model.cost)}</mn>`)}`;
    items.push(drawing("frames", `${frames}<path class="middle" d="M16 ${f1(lane)}H${f1(W - (cost ? 122 : 16))}"/>`));
    items.push(label("cost0", W - 14, lane, cost, "row", { ax: -100 }));
    items.push(cells("loss", model.blocks.loss, "v", () => [W - 40, lane, 0, 0]), cells("seed", model.blocks.seed, "g", () => [W - 40, lane, 0, 0]));
    items.push(...lanes(app.hasPicks ? 48 : 10, H < 520 ? lane + 22 : H - 10));
    return items;
  }
  // A batch shows its first example where one image has room only.
  first(place) { return (i, e) => (e ? [...place(i).slice(0, 2), 0, 0] : place(i)); }
  tileLayer(layer, x, wide, tall, upper, lower, narrow, items) {
    const { model, app } = this, { l, size, inputs } = layer, gap = narrow ? 3 : 6, bar = narrow ? 4 : 7;
    const [rows, cols] = l === 1 ? app.image : wrapped(inputs);
    let best = { t: 0 };
    for (let across = 1; across <= size; across++) {
      const down = Math.ceil(size / across), t = Math.min((wide - (across - 1) * gap) / (across * cols), (tall - down * (bar + 2) - (down - 1) * gap) / (down * rows), 6);
      if (t > best.t) best = { t, across, down };
    }
    const { t, across, down } = best.t > 0.3 ? best : { t: 0.3, across: size, down: 1 }, tw = t * cols, th = t * rows, step = th + bar + 2 + gap;
    const width = across * tw + (across - 1) * gap, height = down * step - gap;
    const corner = (j, y) => [x + (j % across) * (tw + gap), y - height / 2 + Math.floor(j / across) * step];
    const tile = (y) => (j, k) => { const [a, b] = corner(j, y); return [a + (k % cols) * t + t / 2, b + Math.floor(k / cols) * t + t / 2, t, t]; };
    const foot = (y) => (j, e) => { const [a, b] = corner(j, y), n = model.count; return [a + ((e + 0.5) * tw) / n, b + th + 2 + bar / 2, tw / n, bar]; };
    const gone = (y) => (j) => { const [a, b] = corner(j, y); return [a + tw / 2, b + th, 0, 0]; };
    let frames = "";
    for (const y of [upper, lower]) for (let j = 0; j < size; j++) {
      const [a, b] = corner(j, y);
      frames += `<rect class="tile" x="${f1(a - 1.5)}" y="${f1(b - 1.5)}" width="${f1(tw + 3)}" height="${f1(th + bar + 5)}" rx="2.5"/>`;
    }
    const put = (key, kind, place, more = {}) => { if (model.blocks[key]) items.push(cells(key, model.blocks[key], kind, place, { known: app.known(more.as || key), ...more })); };
    put(`W${l}`, "v", tile(upper), { style: "bare" });
    put(`dW${l}`, "g", tile(lower), { style: "bare" });
    put(`a${l}`, "v", foot(upper), { as: model.valueKey(l) });
    put(`delta${l}`, "g", foot(lower));
    if (l > 1) { put(`in${l}`, "v", gone(upper), { as: "" }); put(`din${l}`, "g", gone(lower), { as: "" }); }
    for (const [key, kind, y] of [[`z${l}`, "v", upper], [`slope${l}`, "l", upper], [`da${l}`, "g", lower], [`b${l}`, "v", upper], [`db${l}`, "g", lower]]) put(key, kind, gone(y));
    const told = `${size} neurons and their answers`, brief = narrow || textWidth(told, 12) + 56 > width + 18;
    const title = brief ? math("v", symbol("W", l)) : `${math("v", symbol("W", l))}<span class="cap">${told}</span>${math("v", symbol(model.letter(l), l))}`;
    const below = brief ? math("g", by(symbol("W", l))) : `${math("g", by(symbol("W", l)))}<span class="cap">= what they weigh, times</span>${math("g", symbol("δ", l))}`;
    items.push(label(`hW${l}`, x + width / 2, upper - height / 2 - 15, title, "row"), label(`fW${l}`, x + width / 2, lower + height / 2 + 19, below, "row"));
    return { frames, width };
  }
  // The outputs: weights as small images, and a bar for each answer and each δ.
  outputs(layer, x, W, shown, high, upper, lower, narrow, items) {
    const { model, app } = this, { l, size, inputs } = layer, first = l === 1;
    const [rows, cols] = first ? app.image : wrapped(inputs), t = Math.max(0.4, Math.min((high - 3) / rows, (narrow ? 34 : 60) / cols)), wide = cols * t;
    const rowY = (i, y) => y - (shown * high) / 2 + i * high + high / 2, seen = (i) => i < shown;
    const mini = (y) => (i, k) => (seen(i) ? [x + (k % cols) * t + t / 2, rowY(i, y) - (rows * t) / 2 + Math.floor(k / cols) * t + t / 2, t, t] : [x, y, 0, 0]);
    const from = x + wide + (narrow ? 22 : 38), room = Math.max(16, W - from - (narrow ? 50 : 62)), N = model.count, gone = (y) => (i) => [from, seen(i) ? rowY(i, y) : y, 0, 0];
    const put = (key, kind, place, style = "") => { if (model.blocks[key]) items.push(cells(key, model.blocks[key], kind, place, { known: app.known(key), style })); };
    put(`W${l}`, "v", mini(upper), "bare");
    put(`dW${l}`, "g", mini(lower), "bare");
    for (const [key, kind, y] of [[`z${l}`, "v", upper], [`a${l}`, "v", upper], [`delta${l}`, "g", lower], [`da${l}`, "g", lower], [`slope${l}`, "l", upper], [`b${l}`, "v", upper], [`db${l}`, "g", lower], ["t", "v", upper]]) put(key, kind, gone(y));
    if (!first) { put(`in${l}`, "v", gone(upper)); put(`din${l}`, "g", gone(lower)); }
    const answer = model.blocks.p || model.blocks[`a${l}`], delta = model.blocks[`delta${l}`], known = app.known(model.valueKey(l)), knownD = app.known(`delta${l}`);
    const top = model.blocks.p ? 1 : Math.max(1e-9, ...answer.d.map(Math.abs)), topD = Math.max(1e-9, ...delta.d.map(Math.abs)), { t: target } = model.blocks;
    let text = "";
    for (let i = 0; i < shown; i++) {
      const y = rowY(i, upper), yb = rowY(i, lower), right = target && target.d[i * N] === Math.max(...target.d.filter((_, n) => n % N === 0)) ? "is" : "", thick = high * 0.6;
      if (high >= 9) for (const at of [y, yb]) text += `<text class="class ${right}" x="${f1(from - 8)}" y="${f1(at)}">${escaped(app.classes[i] ?? i)}</text>`;
      for (const at of [y, yb]) text += `<rect class="tile" x="${f1(x - 1.5)}" y="${f1(rowY(i, at === y ? upper : lower) - (rows * t) / 2 - 1.5)}" width="${f1(wide + 3)}" height="${f1(rows * t + 3)}" rx="2"/>`;
      text += `<rect class="track" x="${f1(from)}" y="${f1(y - thick / 2)}" width="${f1(room)}" height="${f1(thick)}" rx="2"/><path class="axis" d="M${f1(from + room / 2)} ${f1(yb - high / 2)}v${f1(high)}"/>`;
      for (let n = 0; n < N; n++) {
        const a = answer.d[i * N + n], g = delta.d[i * N + n], slim = thick / N, ya = y - thick / 2 + n * slim, yg = yb - thick / 2 + n * slim;
        if (!known || known(i)) text += `<rect class="${a < 0 ? "nfill" : "vfill"}" x="${f1(from)}" y="${f1(ya)}" width="${f1(Math.max(1, (room * Math.abs(a)) / top))}" height="${f1(slim)}" rx="${N > 1 ? 0 : 2}"/>`;
        const size2 = (Math.abs(g) / topD) * room * 0.45;
        if ((!knownD || knownD(i)) && size2 > 0.5) text += `<rect class="${g > 0 ? "gfill" : "nfill"}" x="${f1(g > 0 ? from + room / 2 : from + room / 2 - size2)}" y="${f1(yg)}" width="${f1(size2)}" height="${f1(slim)}" rx="${N > 1 ? 0 : 2}"/>`;
      }
      if (N === 1 && high >= 11) {
        const a = answer.d[i], percent = model.blocks.p ? `${(100 * a).toFixed(a > 0.0995 ? 0 : 1)}%` : fitted(a, 6, 3);
        if ((!known || known(i)) && (!model.blocks.p || a > 0.005)) text += `<text class="barnumber v" x="${f1(from + room + 6)}" y="${f1(y)}">${percent}</text>`;
        if ((!knownD || knownD(i)) && Math.abs(delta.d[i]) / topD > 0.01) text += `<text class="barnumber g" x="${f1(from + room + 6)}" y="${f1(yb)}">${fitted(delta.d[i], 6, 2)}</text>`;
      }
      if (right && model.blocks.p) text += `<path class="want" d="M${f1(from + room)} ${f1(y - high * 0.42)}v${f1(high * 0.84)}"/>`;
    }
    items.push(drawing("bars", text));
    const answers = model.blocks.p ? "and the answer" : math("v", symbol(model.letter(l), l)), height = shown * high;
    items.push(label("hO", x, upper - height / 2 - 15, narrow ? math("v", symbol("W", l)) : `${math("v", symbol("W", l))}<span class="cap">${answers}</span>`, "row", { ax: 0 }));
    items.push(label("fO", x, lower + height / 2 + 19, narrow ? math("g", by(symbol("W", l))) : `${math("g", by(symbol("W", l)))}${math("g", symbol("δ", l))}${target && model.blocks.p ? '<span class="cap">answer − target</span>' : ""}`, "row", { ax: 0 }));
    if (shown < size) items.push(label("more", W - 14, upper + height / 2 + 12, `<span class="cap">… ${size - shown} more</span>`, "", { ax: -100 }));
    return "";
  }
  bands() {
    const { phase } = this.app.clock.at(this.app.p), { key, layer } = phase, l = layer ? layer.l : 0;
    if (key === "dx") return [["dx", () => true]];
    if (layer && l < this.model.layers.length) {
      if (key === `z${l}` || key === `a${l}`) return [[`a${l}`, "each"]];
      if (key === `delta${l}` || key === `da${l}`) return [[`delta${l}`, "each"]];
    }
    return key[0] === "d" && key[1] === "W" ? [[key, () => true]] : [];
  }
}
// The nearest rectangle that holds n cells.
function wrapped(n) {
  const columns = Math.ceil(Math.sqrt(n));
  return [Math.ceil(n / columns), columns];
}
