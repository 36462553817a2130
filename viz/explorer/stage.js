// What is drawn. A scene is a list of items with keys: blocks of cells, pieces of SVG, labels. An item that two scenes
// have in common is the same object in both, so a change of depth is a flight of the same cells.
const SVG = "http://www.w3.org/2000/svg";
const still = matchMedia("(prefers-reduced-motion: reduce)");
const FLIGHT = 650;
function svgElement(tag, attributes = {}, parent = null) {
  const e = document.createElementNS(SVG, tag);
  for (const [name, text] of Object.entries(attributes)) e.setAttribute(name, text);
  if (parent) parent.append(e);
  return e;
}
function element(tag, className = "", inner = "") {
  const e = document.createElement(tag);
  if (className) e.className = className;
  e.innerHTML = inner;
  return e;
}
// Mark-up that differs from what stands there in its values only, which are attributes and texts, is written into the
// elements that are there: new ones would cost a style and a layout each.
const VALUES = /="[^"]*"|>[^<]+/g;
const formOf = (markup) => `>${markup}`.replace(VALUES, (x) => `${x[0]}·`);
function write(e, markup) {
  const old = e.written;
  if (old && old.markup === markup) return;
  const now = (e.written = { markup, form: formOf(markup), values: `>${markup}`.match(VALUES) || [], places: null });
  if (!old || old.form !== now.form || !refilled(e, old, now)) e.innerHTML = markup;
}
function refilled(e, old, now) {
  const walk = document.createTreeWalker(e, 5), places = old.places || [], changed = [...now.values.keys()].filter((k) => now.values[k] !== old.values[k]); // 5: elements and texts
  if (changed.some((k) => now.values[k].includes("&"))) return false;
  if (!old.places) while (walk.nextNode()) places.push(...(walk.currentNode.attributes || [walk.currentNode]));
  if (places.length !== now.values.length) return false;
  for (const k of changed) places[k].nodeValue = now.values[k][0] === "=" ? now.values[k].slice(2, -1) : now.values[k].slice(1);
  now.places = places;
  return true;
}
// What is there already is not set again, for the same reason.
function set(e, name, value) {
  const own = (e.set ||= {}), text = String(value);
  if (own[name] !== text) e.setAttribute(name, (own[name] = text));
}
const rectangle = (x, y, w, h, r = 0) => {
  if (w < 3 && r <= 0) return `M${Math.round(x * 100) / 100} ${Math.round(y * 100) / 100}h${Math.round(w * 100) / 100}v${Math.round(h * 100) / 100}h-${Math.round(w * 100) / 100}z`;
  const a = f1(x), b = f1(y), c = f1(x + w), d = f1(y + h);
  if (r <= 0 || w < 2 * r || h < 2 * r) return `M${a} ${b}H${c}V${d}H${a}z`;
  return `M${f1(a + r)} ${b}H${f1(c - r)}q${r} 0 ${r} ${r}V${f1(d - r)}q0 ${r} ${-r} ${r}H${f1(a + r)}q${-r} 0 ${-r} ${-r}V${f1(b + r)}q0 ${-r} ${r} ${-r}z`;
};
const hole = (x, y, w, h) => `M${f1(x - w / 2)} ${f1(y - h / 2)}v${f1(h)}h${f1(w)}v${f1(-h)}z`;

// A block of numbers. Item: {key, kind, block, place(i, j) → [x, y, w, h], font, digits, indent, frame, scale,
// known(i, j), style}. It is drawn with the elements of a block that is no longer there, if there is one.
class Cells {
  constructor(layer, old) {
    this.g = old ? old.g : svgElement("g", {}, layer);
    if (!old) for (const name of ["ground", "negative", "positive"]) svgElement("path", { class: name }, this.g);
    this.texts = old ? old.texts : svgElement("g", { class: "numbers" }, this.g);
    [this.ground, this.negative, this.positive] = this.g.children;
    this.now = null;
  }
  update(item, move) {
    const { r, c } = item.block, goal = new Float32Array(r * c * 4);
    for (let i = 0; i < r; i++) for (let j = 0; j < c; j++) goal.set(item.place(i, j), (i * c + j) * 4);
    const there = !move && !this.from && !!this.goal && this.goal.length === goal.length && this.goal.every((x, k) => x === goal[k]);
    if (there && this.isSame(item)) { this.item = item; return; }
    const { style: worn, frame, font } = this.item || {};
    const origin = this.now && this.now.length === goal.length ? this.now : item.from && item.from.length === goal.length ? item.from : null;
    this.item = item;
    this.grounded &&= there && worn === item.style && frame === item.frame && font === item.font; // whether the ground lies where it should
    this.from = move && origin ? origin.slice() : null;
    this.goal = goal;
    this.now = this.from ? this.from.slice() : goal;
    set(this.g, "class", `cells ${item.kind} ${item.font ? "written" : ""} ${item.style || ""}`);
    this.written = new Map(); // which cells have room for a number
    if (item.font) for (let n = 0; n < r * c; n++) if (goal[4 * n + 2] > 20) this.written.set(n, this.written.size);
    const count = this.written.size;
    while (this.texts.childElementCount > count) this.texts.lastChild.remove();
    while (this.texts.childElementCount < count) svgElement("text", {}, this.texts);
    if (!this.from) this.paint();
  }
  // Whether what is drawn is what would be drawn, in the same place.
  isSame(item) {
    const old = this.item, stamp = (known) => (known ? known.stamp : "all"), { d } = item.block;
    if (stamp(item.known) === undefined || stamp(old.known) !== stamp(item.known)) return false;
    if (["kind", "font", "frame", "scale", "style", "digits"].some((name) => old[name] !== item[name])) return false;
    return old.block === item.block || (old.block.c === item.block.c && old.block.d.every((x, k) => x === d[k]));
  }
  tick(t) {
    if (!this.from) return;
    const k = t < 0.5 ? 4 * t * t * t : 1 - (2 - 2 * t) ** 3 / 2;
    for (let i = 0; i < this.goal.length; i++) this.now[i] = this.from[i] + (this.goal[i] - this.from[i]) * k;
    if (t >= 1) { this.from = null; this.now = this.goal; }
    this.paint();
  }
  paint() {
    const { item, now } = this, { block, known, font, indent = 0 } = item, { r, c, d } = block, flying = !!this.from;
    let positive = "", negative = "", ground = "", top = item.scale || 0;
    if (!top) for (const x of d) top = Math.max(top, Math.abs(x) || 0);
    top ||= 1;
    for (let i = 0, n = 0; i < r; i++) for (let j = 0; j < c; j++, n++) {
      const x = now[4 * n], y = now[4 * n + 1], w = now[4 * n + 2], h = now[4 * n + 3], text = this.written.has(n) ? this.texts.children[this.written.get(n)] : null;
      if (w < 0.35 || h < 0.35) { if (text) write(text, ""); continue; }
      if (!this.grounded && !item.frame && !(flying && r * c > 200)) {
        const gap = font ? 1 : Math.min(0.5, w * 0.05);
        ground += rectangle(x - w / 2 + gap, y - h / 2 + gap, w - 2 * gap, h - 2 * gap, font ? 5 : Math.min(2, w / 6));
      }
      const on = !known || known(i, j), size = on ? Math.min(1, Math.abs(d[n]) / top) : 0;
      if (size > 0.002) {
        if (font) {
          const length = Math.max(1.5, size * (w / 2 - 7)), thick = h > 26 ? 3 : 2, under = y + h / 2 - (h > 26 ? 4.5 : 2.6) - thick / 2;
          if (d[n] > 0) positive += rectangle(x, under, length, thick);
          else negative += rectangle(x - length, under, length, thick);
        } else {
          const root = Math.sqrt(size) * 0.96, wide = w * root, high = h * root, round = wide > 9 ? 1.5 : 0, box = rectangle(x - wide / 2, y - high / 2, wide, high, round);
          if (d[n] > 0) positive += box;
          else negative += box + (wide >= 7 && high >= 7 ? hole(x, y, wide * 0.5, Math.max(1.2, high * 0.13)) : "");
        }
      }
      if (text) {
        set(text, "x", f1(x + indent));
        set(text, "y", f1(y - (h > 26 ? 1.5 : 0.5)));
        set(text, "font-size", font);
        write(text, on ? numberWithin(d[n], this.goal[4 * n + 2] - 4 - 2 * indent, font, item.digits || 3) : "");
      }
    }
    if (item.frame && !flying) ground = this.frame();
    if (!this.grounded) set(this.ground, "d", ground);
    this.grounded = !flying;
    set(this.positive, "d", positive);
    set(this.negative, "d", negative);
  }
  box(pick = () => true) {
    const { c } = this.item.block, g = this.goal;
    let [left, top, right, bottom] = [1e9, 1e9, -1e9, -1e9];
    for (let n = 0; n < g.length / 4; n++) {
      if (g[4 * n + 2] < 0.35 || !pick(Math.floor(n / c), n % c)) continue;
      left = Math.min(left, g[4 * n] - g[4 * n + 2] / 2);
      right = Math.max(right, g[4 * n] + g[4 * n + 2] / 2);
      top = Math.min(top, g[4 * n + 1] - g[4 * n + 3] / 2);
      bottom = Math.max(bottom, g[4 * n + 1] + g[4 * n + 3] / 2);
    }
    return right > left ? [left, top, right, bottom] : null;
  }
  frame() {
    const box = this.box();
    return box ? rectangle(box[0] - 1.5, box[1] - 1.5, box[2] - box[0] + 3, box[3] - box[1] + 3, 4) : "";
  }
  at(x, y) {
    const g = this.goal;
    for (let n = 0; n < g.length / 4; n++) {
      const w = g[4 * n + 2], h = g[4 * n + 3];
      if (w > 1 && Math.abs(x - g[4 * n]) <= Math.max(3, w / 2) && Math.abs(y - g[4 * n + 1]) <= Math.max(3, h / 2)) return n;
    }
    return -1;
  }
}

class Stage {
  constructor(root) {
    this.root = root;
    this.svg = svgElement("svg", { class: "canvas", "aria-hidden": "true" });
    root.prepend(this.svg);
    [this.back, this.cells, this.front] = Array.from({ length: 3 }, () => svgElement("g", {}, this.svg));
    this.bands = svgElement("g", {}, this.svg);
    this.labels = element("div", "labels");
    this.svg.after(this.labels);
    this.items = new Map();
    this.turn = 0;
    this.measure();
  }
  measure() { this.size = [this.root.clientWidth, this.root.clientHeight]; }
  show(list, move) {
    move = move && !still.matches;
    const keep = new Set(list.map((item) => item.key)), free = (this.free = { cells: [], labels: [] });
    for (const [key, shown] of this.items) if (!keep.has(key)) this.drop(key, shown, move);
    this.above = null; // the block drawn last: who is in place is not moved, which would be a new layout
    for (const item of list) this[`set${item.type}`](item, move);
    for (const e of [...free.cells.map((old) => old.g), ...free.labels.map(([, e]) => e)]) e.remove();
    this.turn++;
    if (move) this.fly(this.turn, performance.now());
  }
  setCells(item, move) {
    let shown = this.items.get(item.key);
    if (!shown) this.items.set(item.key, (shown = new Cells(this.cells, this.free.cells.shift())));
    shown.update(item, move);
    if (shown.g.previousSibling !== this.above) this.cells.insertBefore(shown.g, this.above ? this.above.nextSibling : this.cells.firstChild);
    this.above = shown.g;
  }
  setDrawing(item, move) {
    let shown = this.items.get(item.key);
    if (!shown) {
      this.items.set(item.key, (shown = { e: svgElement("g", { class: "drawing" }, item.front ? this.front : this.back), parts: new Map() }));
      if (move) this.fadeIn(shown.e);
    }
    if (item.within) set(shown.e, "transform", item.within);
    if (typeof item.parts === "string") { write(shown.e, item.parts); return; }
    const { parts } = shown, ids = new Set(item.parts.map(([id]) => id)), free = [...parts].filter(([id]) => !ids.has(id));
    for (const [id] of free) parts.delete(id);
    for (const [id, text, worn = {}] of item.parts) {
      if (!parts.has(id)) parts.set(id, takeFrom(free, text) || svgElement("g", {}, shown.e));
      for (const [name, value] of Object.entries(worn)) set(parts.get(id), name, value);
      write(parts.get(id), text);
    }
    for (const [, e] of free) e.remove();
  }
  setLabel(item, move) {
    let shown = this.items.get(item.key);
    if (!shown) {
      this.items.set(item.key, (shown = { e: takeFrom(this.free.labels, item.text) || this.labels.appendChild(element("div")) }));
      if (move) this.fadeIn(shown.e);
    }
    write(shown.e, item.text);
    const style = `label ${item.style || ""} ${move ? "" : "snap"}`, place = `translate(${f1(item.x)}px, ${f1(item.y)}px) translate(${item.ax ?? -50}%, ${item.ay ?? -50}%)`;
    if (shown.style !== style) shown.e.className = shown.style = style;
    if (shown.place !== place) shown.e.style.transform = shown.place = place;
  }
  fadeIn(e) {
    e.style.opacity = 0;
    requestAnimationFrame(() => requestAnimationFrame(() => { e.style.opacity = ""; }));
  }
  drop(key, shown, move) {
    this.items.delete(key);
    if (shown.g) this.free.cells.push(shown);
    else if (move) { shown.e.style.opacity = 0; setTimeout(() => shown.e.remove(), 350); }
    else if (shown.parts) shown.e.remove();
    else this.free.labels.push([key, shown.e]);
  }
  fly(turn, begin) {
    const frame = (now) => {
      if (turn !== this.turn) return;
      const t = clamp((now - begin) / FLIGHT, 0, 1);
      for (const shown of this.items.values()) if (shown.tick) shown.tick(t);
      if (t < 1) requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  }
  // The cell under a point, the last drawn first.
  hit(x, y) {
    for (const [key, shown] of [...this.items].reverse()) {
      const n = shown.at ? shown.at(x, y) : -1;
      if (n >= 0) return { key, n, i: Math.floor(n / shown.item.block.c), j: n % shown.item.block.c, item: shown.item };
    }
    return null;
  }
  // Outlines of what takes part in the step: [key, test of (row, column) or "each", whether it is a hint only].
  outline(list) {
    let text = "";
    for (const [key, pick, hint] of list) {
      const shown = this.items.get(key);
      if (!shown || !shown.box) continue;
      const { r, c } = shown.item.block;
      const boxes = pick === "each" ? [...Array(r * c).keys()].map((n) => shown.box((i, j) => i * c + j === n)) : [shown.box(pick)];
      for (const box of boxes) if (box) text += `<rect class="band ${hint ? "soft" : ""}" x="${f1(box[0] - 1.5)}" y="${f1(box[1] - 1.5)}" width="${f1(box[2] - box[0] + 3)}" height="${f1(box[3] - box[1] + 3)}" rx="4"/>`;
    }
    write(this.bands, text);
  }
  light(keys) {
    let any = false;
    for (const [key, shown] of this.items) {
      const lit = keys.includes(key.replace(/^name:/, ""));
      (shown.g || shown.e).classList.toggle("lit", lit);
      any ||= lit && !!shown.g;
    }
    this.root.classList.toggle("faded", any);
  }
  placeOf(key) {
    const shown = this.items.get(key);
    return shown && shown.now ? shown.now.slice() : null;
  }
}
// Of elements that are free one in which a text can be written, taken away.
function takeFrom(free, text) {
  const form = formOf(text), at = free.findIndex(([, e]) => e.written.form === form);
  return at < 0 ? null : free.splice(at, 1)[0][1];
}
const cells = (key, block, kind, place, more = {}) => ({ type: "Cells", key, block, kind, place, ...more });
const label = (key, x, y, text, style = "", more = {}) => ({ type: "Label", key, x, y, text, style, ...more });
// Which way each half of a picture is read.
const lanes = (upper, lower) => [label("lane1", 14, upper, '<span class="lane v">values →</span>', "", { ax: 0, ay: 0 }), label("lane2", 14, lower, '<span class="lane g">← gradients</span>', "", { ax: 0, ay: -100 })];
// A drawing is a text or has parts [id, text, attributes], of which a step writes those that it changes; they lie in no order.
const drawing = (key, parts, more = {}) => ({ type: "Drawing", key, parts, ...more });
// Of a network that is folded: what lies on either side, and how to go there.
function foldedItems(scene, x, y, total = scene.model.layers.length, after = "more") {
  const [from, to] = scene.part, button = (by, n, words) => (n > 0 ? `<button type="button" class="pan" data-pan="${by}">… ${n} ${words}</button>` : "");
  return [label("folded", x, y, `${button(-1, from - 1, "before")} ${button(1, total - to, after)}`, "row", { ax: -100, ay: -100 })];
}
// Arrows: a curve that is level at both ends, and its tip.
function elbow(x0, y0, x1, y1, kind) {
  const middle = (x0 + x1) / 2, tip = x1 > x0 ? -6 : 6;
  return `<path class="flow ${kind}" d="M${f1(x0)} ${f1(y0)}C${f1(middle)} ${f1(y0)} ${f1(middle)} ${f1(y1)} ${f1(x1 + tip)} ${f1(y1)}"/><path class="tip ${kind}" d="M${f1(x1)} ${f1(y1)}l${tip * 1.25} -4v8z"/>`;
}
function bow(x0, y0, x1, y1, kind, down) {
  const x = (x0 + x1) / 2 + 10;
  if (down) return `<path class="flow ${kind}" d="M${f1(x0)} ${f1(y0)}C${f1(x)} ${f1(y0)} ${f1(x1)} ${f1(y0)} ${f1(x1)} ${f1(y1 - 6)}"/><path class="tip ${kind}" d="M${f1(x1)} ${f1(y1)}l-4 -7.5h8z"/>`;
  return `<path class="flow ${kind}" d="M${f1(x0)} ${f1(y0)}C${f1(x0)} ${f1(y1)} ${f1(x)} ${f1(y1)} ${f1(x1 + 6)} ${f1(y1)}"/><path class="tip ${kind}" d="M${f1(x1)} ${f1(y1)}l7.5 -4v8z"/>`;
}
