// The state of the page: depth, position of the clock, focus; and what a person can do.
const $ = (selector) => document.querySelector(selector);
const ICONS = { play: '<svg viewBox="0 0 18 18"><path d="M5 3v12l10-6z"/></svg>', pause: '<svg viewBox="0 0 18 18"><path d="M4 3h4v12H4zM10 3h4v12h-4z"/></svg>' };
class Explorer {
  constructor(data) {
    Object.assign(this, { story: escaped(data.story), classes: data.classes || [], path: null, picked: -1, playing: 0, pinned: false, hover: null });
    const model = (this.model = new Model(data.graph)), { network } = model;
    this.tiled = !!data.tiled;
    this.image = data.image || (this.tiled ? wrapped(network.sizes[0]) : [1, 1]);
    this.names = network && network.examples.length > 1 ? data.examples : [];
    this.clock = new Clock(model);
    this.p = this.clock.length;
    this.focus = { l: 1, j: 0, node: model.tape.root };
    this.depths = network ? ["network", "layer", "neuron", "scalars"] : model.hasMatrices ? ["matrices", "scalars"] : ["scalars"];
    this.depth = this.depths[0];
    this.stage = new Stage($(".stage"));
    this.panel = new Panel(this);
    this.timeline = new Timeline(this);
    this.words = new Words(this);
    const layered = () => ({ network: this.tiled ? new TilesScene(this) : new NetworkScene(this), layer: new LayerScene(this), neuron: new NeuronScene(this) });
    this.scenes = { scalars: new ScalarsScene(this), ...(network ? layered() : { matrices: new MatricesScene(this) }) };
    this.picked = this.panel.whatIf.frozen ? -1 : this.panel.whatIf.first;
    this.build();
    this.timeline.build();
    this.read();
    this.render();
  }
  // --- what stands around the picture --------------------------------------------------------------------------------
  build() {
    document.documentElement.classList.add("live");
    document.querySelectorAll(".depth button").forEach((b) => {
      b.hidden = !this.depths.includes(b.dataset.depth);
      b.addEventListener("click", () => this.go(b.dataset.depth));
    });
    $(".depth").hidden = this.depths.length < 2;
    if (this.hasPicks) this.buildPicks();
    const click = (id, f) => document.getElementById(id).addEventListener("click", f);
    click("theme", () => this.theme());
    click("help", () => this.help());
    click("save", () => this.save());
    click("close", () => this.help());
    click("first", () => this.set(0));
    click("last", () => this.set(this.clock.length));
    click("back", () => this.move(-1));
    click("next", () => this.move(1));
    click("play", () => this.play());
    document.addEventListener("keydown", (e) => this.key(e));
    const stage = $(".stage");
    stage.addEventListener("pointermove", (e) => this.over(e));
    stage.addEventListener("pointerleave", () => this.out());
    stage.addEventListener("pointerdown", (e) => this.down(e));
    stage.addEventListener("click", ({ target: { dataset: { pan, go, by } } }) => { if (pan) this.pan(+pan); else if (go) this.go(go); else if (by) this.neighbour(+by); });
    stage.addEventListener("touchmove", (e) => { if (this.painting) e.preventDefault(); }, { passive: false }); // the page stays while a finger paints
    addEventListener("pointerup", () => { this.painting = null; });
    stage.addEventListener("dblclick", () => this.deeper(1));
    stage.addEventListener("wheel", (e) => this.wheel(e), { passive: false });
    addEventListener("beforeprint", () => { stage.classList.add("printed"); this.render(); });
    addEventListener("afterprint", () => { stage.classList.remove("printed"); this.render(); });
    addEventListener("hashchange", () => { this.read(); this.render(); });
    new ResizeObserver(() => { this.timeline.thin(); this.render(); }).observe(stage);
  }
  get hasPicks() { return this.names.length > 1; }
  buildPicks() {
    const { examples } = this.model.network, select = $(".crumbs select"), count = this.names.length;
    const choices = [...this.names.map((name, k) => [k, name, `Example ${name}`]), [-1, "mean", `The mean of all ${count} examples`]];
    for (const [k, name, title] of choices) {
      const picture = this.tiled && this.image[0] > 1 && k >= 0, b = element("button", picture ? "" : "words", picture ? this.thumbnail(examples[k].in[0]) : escaped(name));
      Object.assign(b, { type: "button", title });
      b.dataset.example = k;
      b.setAttribute("aria-label", title);
      b.addEventListener("click", () => this.choose(k));
      $(".picks").append(b);
      select.append(new Option(name, k));
    }
    select.addEventListener("change", () => this.choose(+select.value));
  }
  thumbnail(nodes) {
    const [rows, columns] = this.image, values = nodes.map((node) => this.model.tape.v[node]), top = Math.max(1e-9, ...values.map(Math.abs)), unit = 24 / Math.max(rows, columns);
    const squares = values.map((x, i) => { const a = Math.sqrt(Math.abs(x) / top) * unit * 0.96; return a < 0.3 ? "" : rectangle(((i % columns) + 0.5) * unit - a / 2, (Math.floor(i / columns) + 0.5) * unit - a / 2, a, a); });
    return `<svg viewBox="0 0 24 24"><path d="${squares.join("")}"/></svg>`;
  }
  // --- the clock -----------------------------------------------------------------------------------------------------
  get stops() { return this.clock.stops(this.depth); }
  known(key) {
    if (!key) return null;
    if (key.includes(">")) { const [to, of] = key.split(">"); return this.arrived(this.model.joins.find((join) => join.key === to), of); }
    // what is only put together from other blocks is known when the last of them is
    if (/^din/.test(key) && !this.clock.byKey[key]) return this.p >= this.clock.byKey.dx.end ? null : () => false;
    return this.clock.known(key, this.p);
  }
  // Of what comes back around a layer, an entry is known when all of it has arrived.
  arrived(join, of) {
    const { r, c } = this.model.blocks[of], done = Array.from({ length: r }, (_, i) => this.p > 0 && Array.from({ length: c }, (_, k) => join.edges(this.model, of, i, k)).flat().every((e) => e.when && e.when <= this.p));
    return done.every(Boolean) ? null : Object.assign((i) => done[i], { stamp: `${done}` });
  }
  move(by, whole = false) {
    this.stop();
    const stops = whole ? this.clock.stops("network") : this.stops, p = by > 0 ? stops.find((s) => s > this.p) : stops.findLast((s) => s < this.p);
    if (p !== undefined) this.set(p);
  }
  set(p) {
    this.p = clamp(p, 0, this.clock.length);
    this.pinned = false;
    this.follow();
    this.render();
  }
  // The focus follows the clock.
  follow() {
    const now = this.clock.at(this.p), { network, tape } = this.model;
    if (!now || this.pinned) return;
    const { phase, row, step } = now;
    if (network && phase.layer && phase.key !== "dx" && !/^d?in/.test(phase.key)) { this.focus.l = phase.layer.l; this.focus.j = row; }
    else if (network && phase.layer) this.focus.l = phase.layer.l;
    if (this.depth !== "scalars") return;
    if (phase.key === "seed") this.focus.node = tape.root;
    else if (typeof step === "number") this.focus.node = step;
    else if (step) this.focus.node = tape.uses[step.tail].length > 1 ? step.tail : step.head; // where contributions add up
  }
  goToEquation(k) {
    this.stop();
    const own = this.clock.phases.filter((phase) => phase.equation === k);
    if (own.length) this.set(own.at(-1).end);
  }
  play() {
    if (this.playing) { this.stop(); return; }
    if (this.p >= this.clock.length) this.set(0);
    const wait = () => ({ network: 1300, matrices: 1300, layer: 420, neuron: 700, scalars: 700 })[this.depth];
    const next = () => {
      const p = this.stops.find((s) => s > this.p);
      if (p === undefined) { this.stop(); return; }
      this.set(p);
      this.playing = setTimeout(next, Math.max(60, Math.min(wait(), 90000 / this.stops.length)));
    };
    this.playing = setTimeout(next, 200);
    write($("#play"), ICONS.pause);
    $("#play").setAttribute("aria-label", "Pause");
  }
  stop() {
    clearTimeout(this.playing);
    this.playing = 0;
    write($("#play"), ICONS.play);
    $("#play").setAttribute("aria-label", "Play");
  }
  // --- depth ---------------------------------------------------------------------------------------------------------
  go(depth) {
    if (!this.depths.includes(depth) || depth === this.depth) return;
    const old = this.depth;
    this.depth = depth;
    if (depth === "scalars" && this.model.network && (this.pinned || this.p >= this.clock.length)) this.focus.node = this.model.node(`z${this.focus.l}`, this.focus.j);
    else if (depth === "scalars" || old !== "scalars") this.follow();
    this.out();
    this.render(true);
  }
  deeper(by) {
    const depth = this.depths[this.depths.indexOf(this.depth) + by];
    if (depth) this.go(depth);
  }
  choose(k) {
    const before = this.clock.at(this.p), at = this.p / this.clock.length;
    this.example = k;
    this.model.choose(k);
    this.clock = new Clock(this.model);
    const phase = before && this.clock.byKey[before.phase.key];
    this.p = !before ? 0 : at >= 1 ? this.clock.length : phase ? phase.end : Math.round(at * this.clock.length);
    if (!this.clock.under[this.focus.node]) this.focus.node = this.model.tape.root;
    this.timeline.build();
    this.render();
  }
  // --- drawing -------------------------------------------------------------------------------------------------------
  get scene() { return this.scenes[this.depth]; }
  render(move = false) {
    this.stage.measure(); // all that is read from the page is read before anything is written
    readFace();
    if (!this.stage.size[0]) return;
    this.stage.show(this.scene.draw(), move);
    $(".stage").dataset.depth = this.depth;
    this.crumbs();
    this.outline();
    const [pass, words] = this.words.tell;
    write($(".say .pass"), pass);
    write($(".say .words"), words);
    this.say($(".say").textContent.trim());
    this.panel.show();
    this.timeline.show();
    for (const b of document.querySelectorAll(".depth button, .picks button")) set(b, "aria-pressed", b.dataset.depth === this.depth || +b.dataset.example === this.model.example);
    $(".picks").hidden = !this.hasPicks || !["network", "layer"].includes(this.depth);
    this.map();
  }
  say(text) { if (this.said !== text) $("#live").textContent = this.said = text; }
  outline() {
    const list = this.p > 0 && this.p < this.clock.length ? this.scene.bands() : [], { hover } = this;
    if (hover) for (const key of new Set([hover.key, hover.key[0] === "d" && !hover.key.startsWith("delta") ? hover.key.slice(1) : `d${hover.key}`])) list.push([key, (i, j) => i === hover.i && j === hover.j, true]);
    this.stage.outline(list);
  }
  crumbs() {
    const { network, tape } = this.model, { l, j, node } = this.focus, box = $(".crumbs"), select = $(".crumbs select");
    box.hidden = !network || !["neuron", "scalars"].includes(this.depth);
    if (box.hidden) return;
    select.hidden = !this.hasPicks;
    select.value = this.model.example;
    const parts = ['<button type="button" data-go="network">network</button>', `<button type="button" data-go="layer">layer ${l}</button>`];
    if (this.depth === "neuron") parts.push(`<b>neuron ${j}</b>${this.model.count > 1 ? `<span>of ${escaped(this.names[0])}</span>` : ""}<button type="button" data-by="-1" aria-label="The neuron before">↑</button><button type="button" data-by="1" aria-label="The next neuron">↓</button>`);
    else parts.push(`<button type="button" data-go="neuron">neuron ${j}</button>`, `<b>around ${escaped(tape.name[node])}</b>`);
    write(box.firstChild, parts.join("<i>›</i>"));
  }
  // The small map: a bar for each layer, a fan for each matrix, and where the reader is.
  map() {
    const map = $(".map"), { network, layers } = this.model, on = !!network && ["layer", "neuron"].includes(this.depth);
    map.toggleAttribute("hidden", !on);
    if (!on) return;
    const { sizes } = network, most = Math.max(...sizes), gap = 126 / (sizes.length - 0.3), high = (k) => clamp((sizes[k] / most) * 44, 7, 44), x = (k) => 12 + k * gap, now = this.p < this.clock.length && this.clock.at(this.p), key = now ? now.phase.key : "", colour = now && now.phase.part === "f" ? "v" : "g";
    let text = "";
    layers.forEach(({ l }, k) => {
      const a = high(k) / 2, b = high(l) / 2, hot = [`z${l}`, `dW${l}`, `din${l}`, k ? `da${k}` : "dx"].includes(key);
      text += `<path class="fan ${hot ? colour : ""}" data-layer="${l}" d="M${f1(x(k) + 5)} ${f1(32 - a)}L${f1(x(l) - 5)} ${f1(32 - b)}V${f1(32 + b)}L${f1(x(k) + 5)} ${f1(32 + a)}z"/>`;
    });
    sizes.forEach((n, k) => {
      const hot = k && [`a${k}`, `z${k}`, `delta${k}`, `db${k}`].includes(key);
      text += `<rect class="bar ${hot ? colour : ""}" data-layer="${k}" x="${f1(x(k) - 4)}" y="${f1(32 - high(k) / 2)}" width="8" height="${f1(high(k))}" rx="2"/>`;
      if (this.depth === "neuron" && this.focus.l === k) text += `<circle class="here" cx="${f1(x(k))}" cy="${f1(32 - high(k) / 2 + ((this.focus.j + 0.5) / n) * high(k))}" r="5"/>`;
    });
    write(map, `${text}<circle class="end ${key === "loss" || key === "seed" ? "hot" : ""}" cx="${f1(x(sizes.length - 1) + gap * 0.6)}" cy="32" r="4"/>`);
  }
  // --- pointing ------------------------------------------------------------------------------------------------------
  spot(e) {
    const box = $(".stage").getBoundingClientRect();
    return [e.clientX - box.left, e.clientY - box.top];
  }
  over(e) {
    const [x, y] = this.spot(e);
    if (this.painting) { this.paint(x, y); return; }
    if (this.depth === "scalars") { this.tipOfNode(x, y); return; }
    const hit = this.stage.hit(x, y), { hover } = this;
    if (!hit && !hover) return;
    if (!hit || !hover || hit.key !== hover.key || hit.n !== hover.n) {
      this.hover = hit;
      this.panel.mark(hit ? hit.key : "");
      this.outline();
    }
    this.tip(hit ? this.tipText(hit) : "", x, y);
  }
  out() {
    this.hover = null;
    this.panel.mark("");
    this.outline();
    this.tip("", 0, 0);
  }
  tipText({ key, i, j, n, item }) {
    const { block, known, kind } = item, number = !known || known(i, j) ? show(block.d[n], 6) : "not yet", at = block.c > 1 ? `${i},${j}` : block.r > 1 ? i : "";
    const base = key.replace(/^lent\./, "").replace(/^turned(\d+)$/, "in$1").replace(/^dturned(\d+)$/, "din$1");
    return `${this.blockMarkup(base)}${at === "" ? "" : `<sub>${at}</sub>`} = ${span(kind, number)}`;
  }
  tipOfNode(x, y) {
    const node = this.nodeAt(x, y), { tape } = this.model;
    if (node < 0) { this.tip("", 0, 0); return; }
    const rule = tape.args[node] ? `${this.words.spelled(node)} = ` : "";
    this.tip(`${escaped(tape.name[node])} = ${rule}${span("v", show(tape.v[node], 6))}${tape.constant[node] ? "" : `, ∇ ${span("g", show(tape.g[node], 6))}`}`, x, y);
  }
  tip(text, x, y) {
    const box = $(".tip-box"), [W] = this.stage.size;
    box.hidden = !text;
    if (!text) return;
    box.innerHTML = text;
    box.style.left = `${clamp(x + 14, 4, Math.max(4, W - box.offsetWidth - 4))}px`;
    box.style.top = `${y > 60 ? y - 44 : y + 18}px`;
  }
  blockMarkup(key) {
    const found = /^(dW|db|delta|da|din|dx|slope|in|W|b|z|a|x)(\d*)$/.exec(key);
    if (!found || !this.model.network) return { loss: math("v", "<mi>C</mi>"), seed: math("g", by("<mi>C</mi>")), t: math("v", "<mi>t</mi>") }[key] || "";
    const [, kind, l] = found, S = { x: symbol("a", 0), in: kind.endsWith("in") ? inputSymbol(this, +l, kind === "din") : "", delta: symbol("δ", l), slope: slopeSymbol(this.model.layers[l - 1] || {}) };
    if (kind === "delta") return math("g", S.delta);
    if (kind === "slope") return math("l", S.slope);
    if (kind === "da" && this.model.letter(+l) === "z") return math("g", S.delta);
    const inner = kind === "a" ? this.model.letter(+l) : kind.replace(/^d/, "");
    return kind[0] === "d" ? math("g", by(S[inner] || symbol(inner, l))) : math("v", S[inner] || symbol(inner, l));
  }
  nameMarkup(i) {
    const name = this.model.tape.name[i], found = /^([A-Za-z])(\d*)\[([\d,]+)\]$/.exec(name);
    if (!found) return `<b class="nm">${escaped(name)}</b>`;
    return math("v", found[2] ? `<msubsup><mi>${found[1]}</mi><mtext>${found[3]}</mtext><mn>${found[2]}</mn></msubsup>` : `<msub><mi>${found[1]}</mi><mtext>${found[3]}</mtext></msub>`);
  }
  nodeAt(x, y) {
    for (const [node, [left, top, w, h]] of this.scenes.scalars.spots || []) if (x >= left && x <= left + w && y >= top && y <= top + h) return node;
    return -1;
  }
  down(e) {
    if (e.target.closest("button")) return;
    if (e.target.dataset.layer) { this.toLayer(+e.target.dataset.layer); return; }
    const [x, y] = this.spot(e), { model } = this;
    if (this.depth === "scalars") { const node = this.nodeAt(x, y); if (node >= 0) this.pick(node); return; }
    const hit = this.stage.hit(x, y);
    if (!hit) return;
    if (this.tiled && hit.key === "x" && this.depth === "network" && model.count === 1 && !model.tape.frozen) { this.painting = { x: model.blocks.x.d[hit.i] > 0.5 ? 0 : 1 }; this.paint(x, y); return; }
    const key = hit.key.replace(/^lent\./, ""), neuron = /^(z|a|delta|da|slope)(\d+)$/.exec(key);
    if (neuron) { Object.assign(this.focus, { l: +neuron[2], j: hit.i }); this.pinned = true; this.picked = model.node(key, hit.i, Math.min(hit.j, model.count - 1)); if (this.depth !== "neuron") { this.go("neuron"); return; } }
    else if (/^(d?W|d?b|d?x)\d*$/.test(key)) this.pickCell(key, hit);
    this.render();
  }
  pickCell(key, { i, j, n, item }) {
    const { model } = this, matrixBlock = key.includes("W"), l = +key.replace(/\D/g, "");
    this.picked = model.node(key, matrixBlock ? n : i, matrixBlock || item.block.c < 2 ? 0 : j);
    if (l) Object.assign(this.focus, { l, j: i });
  }
  pick(node, move = true) {
    if (this.scenes.scalars.folded && this.model.tape.args[node]) { this.focus.node = node; this.pinned = true; }
    this.picked = node;
    this.path = null;
    this.render(move);
  }
  paint(x, y) {
    const hit = this.stage.hit(x, y), { model } = this;
    if (!hit || hit.key !== "x") return;
    this.picked = model.node("x", hit.i);
    if (model.tape.v[this.picked] !== this.painting.x) model.put(this.picked, this.painting.x);
    this.render();
  }
  // The number before or after the one that is picked: a leaf, or among the scalars any node.
  another(by) {
    const { tape, leaves } = this.model, list = this.depth === "scalars" ? [...Array(tape.n).keys()].filter((i) => this.clock.under[i] && !tape.constant[i]) : leaves;
    if (!list.length) return;
    this.pick(list[(Math.max(0, list.indexOf(this.picked)) + by + list.length) % list.length], false);
    this.say(this.panel.lens.textContent);
  }
  toLayer(l) {
    if (l > 0) { this.focus.l = l; this.focus.j = Math.min(this.focus.j, this.model.layers[l - 1].size - 1); this.pinned = true; this.render(); }
    else this.go("network");
  }
  // Of what is folded, the layers before or after those that are shown.
  pan(by) {
    const [from, to] = this.scene.part, l = by < 0 ? from - 1 : to + 1;
    if (l < 1 || l > this.model.layers.length) return;
    this.toLayer(l);
  }
  neighbour(by) {
    if (this.scene.part) { this.pan(by); return; }
    const n = this.model.layers[this.focus.l - 1].size;
    this.focus.j = (this.focus.j + by + n) % n;
    this.pinned = true;
    this.render();
  }
  wheel(e) {
    if (!e.ctrlKey && !e.metaKey) return;
    e.preventDefault();
    this.pull = (this.pull || 0) + e.deltaY;
    if (Math.abs(this.pull) < 60) return;
    this.deeper(this.pull < 0 ? 1 : -1);
    this.pull = 0;
  }
  // --- keys and the rest ---------------------------------------------------------------------------------------------
  key(e) {
    if (e.ctrlKey || e.metaKey || e.altKey || (e.target.matches("input, select") && e.key !== "Escape")) return;
    const actions = {
      ArrowRight: () => this.move(1, e.shiftKey), ArrowLeft: () => this.move(-1, e.shiftKey), ArrowDown: () => this.neighbour(1), ArrowUp: () => this.neighbour(-1),
      Home: () => { this.stop(); this.set(0); }, End: () => { this.stop(); this.set(this.clock.length); }, " ": () => this.play(), "+": () => this.deeper(1), "=": () => this.deeper(1), "-": () => this.deeper(-1),
      "[": () => this.beside(-1), "]": () => this.beside(1), t: () => this.theme(), s: () => this.save(), "?": () => this.help(), Escape: () => { if (!$(".help").hidden) this.help(); this.pinned = false; this.path = null; this.follow(); this.render(); },
    };
    if (/^[1-4]$/.test(e.key)) { this.go(this.depths[e.key - 1]); e.preventDefault(); }
    if (!actions[e.key] || (e.key === " " && e.target.matches("button")) || (/Up|Down/.test(e.key) && this.depth !== "neuron" && !this.scene.part)) return;
    e.preventDefault();
    actions[e.key]();
  }
  beside(by) {
    const row = document.activeElement.closest(".eq");
    if (row) this.panel.neighbour(row, by);
    else this.another(by);
  }
  help() {
    const box = $(".help");
    box.hidden = !box.hidden;
    if (!box.hidden) $("#close").focus();
  }
  theme() {
    const { classList } = document.documentElement;
    this.wear(!(classList.contains("dark") || (!classList.contains("light") && matchMedia("(prefers-color-scheme: dark)").matches)));
  }
  wear(dark) { for (const name of ["dark", "light"]) document.documentElement.classList.toggle(name, dark === (name === "dark")); }
  // The picture as a file: the drawing with its colours, and the labels above it.
  save() {
    const [W, H] = this.stage.size, copy = this.stage.svg.cloneNode(true), style = document.createElementNS(SVG, "style"), holder = svgElement("foreignObject", { width: W, height: H }, copy);
    for (const [name, text] of Object.entries({ width: W, height: H, viewBox: `0 0 ${W} ${H}`, class: "canvas" })) copy.setAttribute(name, text);
    copy.prepend(svgElement("rect", { width: W, height: H, fill: getComputedStyle($(".stage")).backgroundColor }));
    const root = getComputedStyle(document.documentElement), rules = $("style").textContent.replace(/@media[^{]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}/g, "");
    const names = [...new Set(rules.match(/--[\w-]+(?=:)/g))].map((name) => `${name}: ${root.getPropertyValue(name)};`).join(" ");
    style.textContent = `${rules} svg { ${names} }`;
    copy.prepend(style);
    holder.append(this.stage.labels.cloneNode(true));
    const link = element("a");
    link.href = URL.createObjectURL(new Blob([new XMLSerializer().serializeToString(copy)], { type: "image/svg+xml" }));
    link.download = `${document.title.replace(/[^\w-]+/g, "_")}.svg`;
    link.click();
    URL.revokeObjectURL(link.href);
  }
  // A place in the page's address: #depth=layer&step=dW1.3&example=0&layer=1&neuron=2&node=5&theme=dark
  read() {
    const at = new URLSearchParams(location.hash.slice(1));
    if (at.has("theme")) this.wear(at.get("theme") === "dark");
    if (at.has("example") && this.hasPicks) this.choose(clamp(+at.get("example") || 0, -1, this.names.length - 1));
    if (this.depths.includes(at.get("depth"))) this.depth = at.get("depth");
    if (at.has("step")) this.p = this.position(at.get("step"));
    this.follow();
    if (!this.model.network) return;
    if (at.has("layer")) { this.focus.l = clamp(+at.get("layer") || 1, 1, this.model.layers.length); this.pinned = true; }
    if (at.has("neuron")) { this.focus.j = clamp(+at.get("neuron") || 0, 0, this.model.layers[this.focus.l - 1].size - 1); this.pinned = true; }
    if (this.depth === "scalars" && this.p >= this.clock.length) this.focus.node = this.model.node(`z${this.focus.l}`, this.focus.j);
  }
  position(text) {
    const [key, row] = text.split("."), phase = this.clock.byKey[key];
    if (/^\d+$/.test(text)) return clamp(+text, 0, this.clock.length);
    if (!phase) return this.clock.length;
    return row === undefined ? phase.end : phase.ends[clamp(+row || 0, 0, phase.ends.length - 1)];
  }
}
