const LONG = 20, WINDOW = 12, MOST_PARTS = 340;
// Beside the picture: the derived equations, the lens, and what would be if a number were another.
class Panel {
  constructor(app) {
    this.app = app;
    this.sets = [...document.querySelectorAll(".equations")];
    this.lens = document.querySelector(".lens");
    this.legends = [];
    this.ways = [];
    for (const [event, on] of [["pointerover", true], ["focusin", true], ["pointerout", false], ["focusout", false]]) this.lens.addEventListener(event, ({ target }) => this.follow(target.closest("li"), on));
    this.lists = this.sets.map((set) => [...set.querySelectorAll(".eq")]);
    this.lists.flat().forEach((row) => this.listen(row));
    this.whatIf = new WhatIf(app);
  }
  get rows() { return this.lists[this.app.model.setIndex] || []; }
  elementOf(term) { return this.rows.map((row) => row.querySelector(`[data-t="${term.id}"]`)).find(Boolean); }
  // Of a long list the equations around the clock are in the page.
  thin(at) {
    const { rows } = this, set = this.sets[this.app.model.setIndex];
    if (!set || rows.length <= LONG) return;
    const [first, last] = this.shown || [0, -1], inside = (at > first || at === 0) && (at < last - 1 || at === rows.length - 1);
    if (this.thinned === this.app.model.setIndex && inside && at >= first && at < last) return; // it moves when the clock leaves it
    const size = (k) => (rows[k].size ||= rows[k].querySelectorAll("*").length);
    let from = at, to = at + 1, total = size(at);
    for (let grown = true; grown && to - from < WINDOW;) {
      grown = false;
      for (const k of [from - 1, to]) if (rows[k] && total + size(k) <= MOST_PARTS && to - from < WINDOW) { total += size(k); from = Math.min(from, k); to = Math.max(to, k + 1); grown = true; }
    }
    this.thinned = this.app.model.setIndex;
    this.shown = [from, to];
    const more = (n, words) => (n ? [element("p", "cap", `… ${n} ${words}`)] : []), heads = (row) => { const list = []; for (let e = row.previousElementSibling; e && !e.matches(".eq"); e = e.previousElementSibling) list.unshift(e); return list; }, titles = (this.titles ||= new Map(rows.map((row) => [row, heads(row)])));
    const shown = rows.slice(from, to).flatMap((row) => [...titles.get(row), row]);
    const wanted = [...more(from, "before"), ...shown, ...more(rows.length - to, "more"), ...(this.legends[this.thinned] ||= [...set.querySelectorAll(".legend")])];
    for (const e of [...set.children]) if (!wanted.includes(e)) e.remove();
    wanted.forEach((e, k) => { if (set.children[k] !== e) set.insertBefore(e, set.children[k] || null); });
  }
  listen(row) {
    const go = () => this.app.goToEquation(+row.dataset.eq);
    row.addEventListener("click", go);
    row.addEventListener("keydown", (e) => { if (e.key === "Enter") go(); });
    row.addEventListener("pointermove", (e) => this.point(e.target.closest("[data-t]")));
    row.addEventListener("pointerleave", () => this.point(null));
    row.addEventListener("focus", () => { if (row.matches(":focus-visible")) this.point(row.querySelector("[data-t]")); });
    row.addEventListener("blur", () => this.point(null));
  }
  // The term before or after, of the equation that has the focus.
  neighbour(row, by) {
    const terms = [...row.querySelectorAll("[data-t]")], at = terms.indexOf(this.pointed);
    this.point(terms[clamp(at + by, 0, terms.length - 1)]);
    this.app.say(this.lens.textContent);
  }
  markup(term) {
    const e = this.elementOf(term);
    return e ? math("", e.outerHTML.replace(/ data-t="\d+"/g, "")) : "";
  }
  // What the equations call a block of the picture.
  nameOf(key) { return (this.app.model.set || { names: {} }).names[key] || ""; }
  equationMarkup(k) {
    const row = this.rows[k];
    return row ? [...row.querySelectorAll("math")].map((e) => e.outerHTML).join("").replace(/ data-t="\d+"/g, "") : "";
  }
  // A path in the lens and its lines in the picture.
  follow(li, on) {
    if (!li) return;
    this.app.path = on ? this.ways[+li.dataset.k].way : null;
    this.app.render();
  }
  // A term and its blocks in the picture.
  point(e) {
    if (e === this.pointed) return;
    if (this.pointed) this.pointed.classList.remove("on");
    this.pointed = e;
    this.term = e ? this.app.model.set.meanings[+e.dataset.t] : null;
    if (e) e.classList.add("on");
    this.app.stage.light(this.term ? this.blocksOf(this.term) : []);
    this.showLens();
  }
  blocksOf({ id, term, row }) {
    const { model, stage } = this.app, shown = [...stage.items].filter(([, { item }]) => item && item.term !== undefined), keys = (list) => list.map(([key]) => key), own = shown.filter(([, { item }]) => item.term === id);
    if (own.length || !model.network) return keys(own.length ? own : shown.filter(([, { item }]) => item.name >= 0 && [...walkTerms(term)].some((t) => t.family === item.name)));
    const found = model.blocksIn(term), l = +(/^W(\d+)$/.exec(found.find((key) => key[0] === "W")) || [])[1];
    if (term.kind !== "reference" && l > 1 && found.length === 2 && found.includes(`delta${l}`)) return [`da${l - 1}`, `dturned${l}`, `W${l}`, `lent.W${l}`, `delta${l}`]; // (Wˡ⁺¹)ᵀδˡ⁺¹ is ∂C/∂aˡ
    const turned = l && term.kind === "reference" && row !== (term.at.at(-2)[1] || [-1])[0];
    return found.flatMap((key) => {
      const a = /^a(\d+)$/.exec(key);
      return [key, ...(a ? [`turned${+a[1] + 1}`, `in${+a[1] + 1}`] : []), ...(turned ? [`lent.${key}`] : [])];
    });
  }
  // The terms of the equations that a block of the picture stands for.
  mark(key) {
    if (this.marked === key) return;
    this.marked = key;
    const { model } = this.app, base = key && key.replace(/^lent\./, "").replace(/^turned(\d+)$/, (_, l) => `a${l - 1}`).replace(/^dturned(\d+)$/, (_, l) => `da${l - 1}`);
    for (const e of document.querySelectorAll(".eq .from")) e.classList.remove("from");
    if (!base || !model.set || !model.network) return;
    for (const e of this.rows.flatMap((row) => [...row.querySelectorAll("[data-t]")])) {
      const { keys = [] } = model.set.meanings[+e.dataset.t].term;
      if (keys.some((own) => own === base || model.shownAs(own) === base)) e.classList.add("from");
    }
  }
  show() {
    const { app } = this, { clock, p, model } = app, now = clock.at(p);
    this.sets.forEach((set, k) => { set.hidden = k !== model.setIndex; });
    if (this.sets.length > 1) document.querySelector(".side h2 span").textContent = model.count > 1 ? `as for ${app.names[0]}` : "point at a term";
    this.thin(now ? Math.max(0, now.phase.equation) : 0);
    this.rows.forEach((row, k) => {
      const [at, end] = clock.spans.get(k) || [0, 0], here = now && now.phase.equation === k && p < clock.length;
      row.classList.toggle("now", !!here);
      row.classList.toggle("ahead", end > 0 && p > 0 && p <= at);
      const part = here ? (p - at) / (end - at) : 0;
      if (row.part !== part) row.lastChild.style.transform = `scaleX(${(row.part = part)})`;
      if (here && this.followed !== k) { this.followed = k; this.scrollTo(row); }
    });
    if (this.term) app.stage.light(this.blocksOf(this.term));
    this.showLens();
    this.whatIf.show();
  }
  // When the frame has its layout: to ask for it before would be a second one.
  scrollTo(row) {
    requestAnimationFrame(() => {
      const side = document.querySelector(".side"), top = row.offsetTop;
      if (top < side.scrollTop || top + row.offsetHeight > side.scrollTop + side.clientHeight) side.scrollTop = top - 80;
    });
  }
  // --- the lens ----------------------------------------------------------------------------------------------------
  showLens() {
    const { app } = this;
    if (this.term) this.lensOfTerm(this.term);
    else if (app.picked >= 0) this.lensOfNode(app.picked);
    else write(this.lens, '<p class="cap">Point at a term of an equation, or at a number in the picture.</p>');
  }
  lensOfTerm(term) {
    const block = this.app.model.numbers(term), { r, c, d } = block, count = r * c, flat = c === 1 && r > 3, R = flat ? 1 : r, C = flat ? r : c;
    const kind = this.app.model.kindOf(term);
    const written = C <= 5 && R <= 4, w = written ? Math.min(84, 332 / C) : Math.min(16, 334 / C, flat ? 16 : 72 / R), h = written ? 24 : flat ? 20 : w;
    const low = d.reduce((a, x) => Math.min(a, x), Infinity), high = d.reduce((a, x) => Math.max(a, x), -Infinity), many = this.app.model.count > 1 && !this.app.model.isShared(term) ? `${this.app.model.count} examples, ` : "";
    const size = count === 1 ? "one number" : `${many}${c > 1 ? `${r} × ${c}` : `${r} numbers`}, from ${show(low, 3)} to ${show(high, 3)}`;
    write(this.lens, `<header>${this.markup(term)}<small>${size}</small></header><svg width="${Math.ceil(C * w + 4)}" height="${Math.ceil(R * h + 4)}" role="img" aria-label="its numbers"></svg>`);
    this.lens.lastChild.replaceChildren();
    new Cells(this.lens.lastChild).update(cells("lens", block, kind, (i, j) => { const [a, b] = flat ? [0, i] : [i, j]; return [2 + b * w + w / 2, 2 + a * h + h / 2, w, h]; }, { font: written ? 12.5 : 0, frame: written ? 0 : 1, digits: 5 }), false);
    this.shownTerm = block;
  }
  // Why a parameter's gradient is the product that it is.
  reason(i, arriving) {
    const { model } = this.app;
    if (!model.network || arriving.length > 1 || model.inputs.has(i) || model.tape.args[i]) return "";
    const weighs = model.layers.some((layer) => layer.W.includes(i));
    return ` <span class="cap">${weighs ? "the δ it leads to × what it weighs" : "a bias weighs 1"}</span>`;
  }
  // The paths to the output, found anew when a number has changed.
  waysFrom(i) {
    const { tape, blocks } = this.app.model;
    if (this.of !== blocks || this.from !== i || this.to !== tape.root) { this.ways = tape.paths(i); [this.of, this.from, this.to] = [blocks, i, tape.root]; }
    return this.ways;
  }
  lensOfNode(i) {
    const { model, depth } = this.app, { tape } = model, name = escaped(tape.name[i]), out = escaped(tape.name[tape.root]), arriving = tape.uses[i].filter((e) => e.when), kind = tape.args[i] ? escaped(tape.op[i]) : model.inputs.has(i) ? "input" : tape.constant[i] ? "a number" : model.network ? "parameter" : "leaf";
    let text = `<header>${this.app.nameMarkup(i)}<small>${kind}</small></header><div class="pair"><div><small>value</small><b class="v">${show(tape.v[i], 5)}</b></div><div><small>gradient ∂${out}/∂${name.length > 10 ? "·" : name}</small><b class="g">${tape.constant[i] ? "none" : show(tape.g[i], 5)}</b></div></div>`;
    const products = arriving.map((e, k) => `<span>${k ? "+" : "="} ${span("g", show(e.up, 3))} × ${bracketed("l", e.local, 3)}</span>`);
    if (arriving.length && arriving.length < 5) text += `<p class="sum">${products.join(" ")}${this.reason(i, arriving)}</p>`;
    else if (arriving.length) text += `<p class="sum">= the sum of ${arriving.length} contributions</p>`;
    else if (!tape.constant[i] && i !== tape.root) text += `<p class="cap">${out} does not depend on it.</p>`;
    const ways = depth === "scalars" && tape.n <= 450 ? this.waysFrom(i) : [];
    if (ways.length > 1) text += `<p class="cap">${ways.length >= 200 ? "200 or more" : ways.length} paths to ${out}; their products add up:</p><ul class="paths">${ways.slice(0, 5).map((way, k) => `<li tabindex="0" data-k="${k}">${span("g", show(way.product, 3))} = ${way.way.map((e) => bracketed("l", e.local, 3)).join(" × ")}</li>`).join("")}</ul>`;
    write(this.lens, text);
  }
}
// A slider on a leaf, with the output as a curve and its tangent; a wiggle; steps down the gradient.
class WhatIf {
  constructor(app) {
    this.app = app;
    this.box = document.querySelector(".whatif");
    this.rate = 0.1;
    this.history = [];
    const on = (id, f) => document.getElementById(id).addEventListener("click", f), { model } = app;
    this.slider = this.box.querySelector("input");
    if (model.tape.frozen) { this.freeze(model.tape.frozen); return; }
    this.slider.addEventListener("input", () => this.move(+this.slider.value));
    on("wiggle", () => this.wiggle());
    on("step", () => this.step(1));
    on("step10", () => this.step(10));
    on("reset", () => this.reset());
  }
  freeze(names) {
    this.frozen = true;
    this.box.innerHTML = `<p>The numbers stay as they are: this page has no JavaScript for ${escaped(names)}.</p>`;
  }
  get leaf() {
    const { picked, model } = this.app, { tape } = model;
    if (picked >= 0 && !tape.args[picked] && !tape.constant[picked]) this.last = picked;
    return this.last ?? this.first;
  }
  get first() {
    const { model } = this.app, { tape } = model, list = model.network ? model.layers[0].W : model.parameters.length ? model.parameters : model.leaves;
    return (this.own ??= list.reduce((best, i) => (best < 0 || Math.abs(tape.g[i]) > Math.abs(tape.g[best]) ? i : best), -1));
  }
  get range() {
    const { tape } = this.app.model, { leaf } = this;
    if (!this.limits || this.limits.leaf !== leaf) { const x = tape.v[leaf], reach = Math.max(1.5, 1.2 * Math.abs(x)); this.limits = { leaf, low: x - reach, high: x + reach }; }
    return this.limits;
  }
  move(x) {
    const { model } = this.app;
    this.app.stop();
    this.note = "";
    model.put(this.leaf, x);
    this.of = model.blocks; // the curve does not depend on the leaf's own value, only on all other numbers
    this.app.render();
  }
  step(times) {
    const { model } = this.app;
    for (let n = 0; n < times; n++) { this.history.push(model.cost); model.step(this.rate); }
    this.limits = null;
    this.note = "";
    this.app.render();
  }
  reset() {
    this.history = [];
    this.limits = null;
    this.note = "";
    this.app.model.reset();
    this.app.render();
  }
  wiggle() {
    const { tape } = this.app.model, { leaf } = this, x = tape.v[leaf], h = 1e-5 * Math.max(1, Math.abs(x)), [a, b] = tape.probe(leaf, [x - h, x + h]);
    this.note = `Δ/Δ = ${span("v", show((b - a) / (2 * h), 5))} ∇ = ${span("g", show(tape.g[leaf], 5))}`;
    this.show();
  }
  show() {
    if (this.frozen) return;
    const { model } = this.app, { tape } = model, { leaf } = this;
    if (leaf === undefined || leaf < 0) { this.box.innerHTML = "<p>Every leaf of this graph is a number that was not named a Value.</p>"; this.frozen = true; return; }
    const { low, high } = this.range, x = tape.v[leaf], out = escaped(tape.name[tape.root]), set = (selector, text) => { const e = this.box.querySelector(selector); if (e.innerHTML !== text) e.innerHTML = text; };
    this.slider.min = low;
    this.slider.max = high;
    if (Math.abs(+this.slider.value - x) > 1e-9 * Math.max(1, Math.abs(x))) this.slider.value = x;
    this.slider.setAttribute("aria-label", `Value of ${tape.name[leaf]}`);
    set(".leaf", this.app.nameMarkup(leaf));
    set("output", show(x));
    set("#wiggled", this.note || `compare Δ${out.length > 6 ? "" : out}/Δ with the gradient`);
    set("#rate", this.history.length ? `${span("v", show(this.history.at(-1), 3))} → ${span("v", show(model.cost, 3))}` : `w ← w − ${this.rate} ∇`);
    this.curve(leaf, x, low, high);
  }
  curve(leaf, x, low, high) {
    const { model } = this.app, { tape } = model, y = model.cost, g = tape.g[leaf], count = tape.interior.length > 3000 ? 13 : 41;
    const xs = Array.from({ length: count }, (_, k) => low + ((high - low) * k) / (count - 1));
    if (this.of !== model.blocks || this.from !== `${leaf},${low}`) { [this.of, this.from] = [model.blocks, `${leaf},${low}`]; this.ys = tape.probe(leaf, xs); }
    const ys = this.ys.filter(Number.isFinite);
    let bottom = Math.min(...ys, y), top = Math.max(...ys, y);
    if (!(top - bottom > 1e-12)) [bottom, top] = [y - 1, y + 1];
    const X = (a) => 8 + ((a - low) / (high - low)) * 340, Y = (b) => 84 - ((b - bottom) / (top - bottom)) * 66, reach = Math.min((high - low) * 0.16, Math.abs((0.42 * (top - bottom)) / (g || 1e-9)));
    let path = "";
    xs.forEach((a, k) => { if (Number.isFinite(this.ys[k])) path += `${path ? "L" : "M"}${f1(X(a))} ${f1(Y(this.ys[k]))}`; });
    write(this.box.querySelector("svg"), `<path class="axis" d="M8 88H348"/><path class="line" d="${path}"/><path class="tangent" d="M${f1(X(x - reach))} ${f1(Y(y - g * reach))}L${f1(X(x + reach))} ${f1(Y(y + g * reach))}"/><circle cx="${f1(clamp(X(x), 0, 356))}" cy="${f1(Y(y))}" r="5"/><text x="8" y="99">${show(low, 2)}</text><text x="348" y="99" text-anchor="end">${show(high, 2)}</text>`);
  }
}
