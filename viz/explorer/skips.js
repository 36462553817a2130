// How skips are drawn: an arc around the layers, and on it the values that go and the gradients that come back.
// The arcs, each on a level above those that it spans; `place` gives the column of a block, −1 for one that is folded.
function skipArcs(joins, place, last) {
  const arcs = joins.flatMap((join) => join.around.map((key) => ({ join, key, from: place(key), to: join.key === "loss" ? last : place(join.key) }))).filter(({ from, to }) => from >= 0 && to >= 0);
  const set = [];
  for (const arc of arcs.sort((a, b) => a.to - a.from - (b.to - b.from))) {
    const across = set.filter((other) => other.from < arc.to && arc.from < other.to);
    arc.level = 1 + Math.max(-1, ...across.map((other) => other.level));
    set.push(arc);
  }
  return set;
}
// Up, along at a height, and down again, with a tip; backwards if a gradient comes along it.
function skipPath(x0, y0, x1, y1, y, kind) {
  const r = Math.min(14, (x1 - x0) / 3, Math.abs(y0 - y), Math.abs(y1 - y)), up = y0 > y ? 1 : -1, tip = kind === "g" ? [x0, y0] : [x1, y1];
  return `<path class="skip ${kind}" d="M${f1(x0)} ${f1(y0)}V${f1(y + up * r)}Q${f1(x0)} ${f1(y)} ${f1(x0 + r)} ${f1(y)}H${f1(x1 - r)}Q${f1(x1)} ${f1(y)} ${f1(x1)} ${f1(y + up * r)}V${f1(y1)}"/>${kind ? `<path class="tip ${kind}" d="M${f1(tip[0])} ${f1(tip[1])}l-4.5 ${-8 * up}h9z"/>` : ""}`;
}
// The values of an arc, and what comes back: around one line, or each on a line of its own.
function skipCells(app, { key }, of, x, up, down, width) {
  const { blocks } = app.model, { r, c } = blocks[of], w = Math.min(18, width / (r * c)), kind = of === "x" || of.startsWith("in") ? of : app.model.valueKey(+of.slice(1));
  if (w < 2) return [];
  const strip = (y) => (i, k) => [x + (i * c + k + 0.5 - (r * c) / 2) * w, y, w, 11];
  return [cells(`${of}>${key}`, blocks[of], "v", strip(up), { known: app.known(kind) }), cells(`${key}>${of}`, blocks[`${key}>${of}`], "g", strip(down), { known: app.known(`${key}>${of}`) })];
}
