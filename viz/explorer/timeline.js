// The clock as a line: a segment for each equation, forward in blue and backward in orange.
class Timeline {
  constructor(app) {
    this.app = app;
    this.root = document.querySelector(".time");
    this.root.addEventListener("pointerdown", (e) => {
      this.root.setPointerCapture(e.pointerId);
      app.stop();
      this.drag(e);
      this.root.onpointermove = (move) => this.drag(move);
    });
    for (const end of ["pointerup", "pointercancel"]) this.root.addEventListener(end, () => { this.root.onpointermove = null; });
  }
  build() {
    const { clock, model } = this.app, groups = [];
    for (const phase of clock.phases) {
      const last = groups.at(-1);
      if (last && phase.equation >= 0 && last.equation === phase.equation && model.network && last.phases[0].layer === phase.layer) { last.end = phase.end; last.phases.push(phase); }
      else groups.push({ equation: phase.equation, part: phase.part, at: phase.at, end: phase.end, phases: [phase], key: phase.key });
    }
    const weight = (g) => (g.key === "seed" ? 0.28 : g.key === "backward" ? 3 : g.phases.length > 1 ? 1.7 : g.phases[0].matrix ? 1.4 : /^db/.test(g.key) ? 0.8 : 1);
    const total = groups.reduce((s, g) => s + weight(g), 0);
    const every = Math.ceil(groups.length / 36); // of so many names there is room for a few
    let x = 0;
    this.root.replaceChildren();
    for (const [k, g] of groups.entries()) {
      Object.assign(g, { x: x / total, w: weight(g) / total });
      x += weight(g);
      g.bar = element("div", `segment ${g.part === "f" ? "f" : "b"}`);
      g.bar.style.left = `calc(${100 * g.x}% + 1px)`;
      g.bar.style.width = `calc(${100 * g.w}% - 2px)`;
      this.root.append(g.bar);
      if (k % every) continue;
      g.name = element("div", `name ${g.part === "f" ? "v" : "g"}`, this.nameOf(g));
      g.name.style.left = `${100 * (g.x + g.w / 2)}%`;
      this.root.append(g.name);
    }
    this.groups = groups;
    const way = (text, at) => { const e = element("div", "way", text); e.style.left = `${100 * at}%`; this.root.append(e); };
    way("forward →", 0);
    way("backward →", groups.find((g) => g.key === "seed").x);
    this.head = element("div", "head", '<svg viewBox="0 0 14 22" aria-hidden="true"><path d="M7 1L13 10.4H1z"/><path d="M7 21L1 11.6h12z"/></svg>');
    this.root.append(this.head);
    this.root.setAttribute("aria-valuemin", 0);
    this.root.setAttribute("aria-valuemax", clock.length);
    this.thin();
  }
  nameOf({ key, equation }) {
    const { model, panel } = this.app, found = /^(dW|db|delta|da|din|in|W|b|z|a)(\d+)$/.exec(key);
    if (key === "seed") return "";
    if (key === "forward" || key === "backward") return key;
    if (key === "loss") return math("", "<mi>C</mi>");
    if (key === "dx") return math("", `<mrow>${D}${symbol("a", 0)}</mrow>`);
    if (found && model.network) {
      const [, kind, l] = found, letter = kind === "delta" ? "δ" : kind.at(-1);
      if (kind === "in") return math("", inputSymbol(this.app, +l));
      if (kind === "din") return math("", `<mrow>${D}${inputSymbol(this.app, +l, true)}</mrow>`);
      return math("", kind === "da" || kind === "dW" || kind === "db" ? `<mrow>${D}${symbol(letter, l)}</mrow>` : symbol(letter, l));
    }
    if (equation < 0) return "";
    return panel.markup(model.set.equations[equation].target).replace(/<mfrac[^>]*><mrow>(<mo[^>]*>∂<\/mo>)<mi>[^<]*<\/mi><\/mrow><mrow><mo[^>]*>∂<\/mo>(.*)<\/mrow><\/mfrac>/s, "<mrow>$1$2</mrow>");
  }
  // Names that would lie on each other are left out.
  thin() {
    let right = -Infinity;
    for (const g of this.groups.filter((each) => each.name)) {
      g.name.hidden = false;
      const box = g.name.getBoundingClientRect();
      if (!box.width) continue;
      g.name.hidden = box.left < right + 3;
      if (!g.name.hidden) right = box.right;
    }
  }
  drag(e) {
    const box = this.root.getBoundingClientRect(), f = clamp((e.clientX - box.left) / box.width, 0, 1), g = this.groups.findLast((each) => each.x <= f) || this.groups[0];
    this.app.set(g.at + Math.round(((f - g.x) / g.w) * (g.end - g.at)));
  }
  show() {
    const { clock, p, depth } = this.app, now = clock.at(p);
    let x = 0;
    for (const g of this.groups) {
      const f = clamp((p - g.at) / (g.end - g.at), 0, 1);
      g.bar.style.backgroundSize = `${100 * f}% 100%`;
      if (f > 0) x = g.x + g.w * f;
      if (g.name) g.name.classList.toggle("now", !!now && g.phases.includes(now.phase) && p < clock.length);
    }
    this.head.style.transform = `translateX(${100 * x}%)`;
    this.root.setAttribute("aria-valuenow", p);
    this.root.setAttribute("aria-valuetext", document.querySelector(".say").textContent.trim());
    const stops = this.app.stops, at = stops.filter((s) => s <= p && s > 0).length, unit = { network: "equation", matrices: "equation", layer: clock.phases.some((phase) => phase.rows.length > 16) ? "block or row" : "row", neuron: "neuron", scalars: "scalar" }[depth];
    write(document.querySelector(".where"), `<b>${at} / ${stops.length - 1}</b>step: one ${unit}`);
    for (const id of ["first", "back"]) document.getElementById(id).disabled = p <= 0;
    for (const id of ["next", "last"]) document.getElementById(id).disabled = p >= clock.length;
  }
}
