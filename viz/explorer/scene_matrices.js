// A graph without layers: every derived equation as a row of heat maps, values on the left, derivatives on the right.
// Where not all rows fit, those around the clock are shown until it leaves them.
const MOST_ROWS = 7;
class MatricesScene {
  constructor(app) { this.app = app; this.views = new Map(); }
  get model() { return this.app.model; }
  draw() {
    const { app, model } = this, [W, H] = app.stage.size, { equations } = model.set, two = W > 700;
    this.items = [];
    this.art = "";
    const rows = this.rows(equations), now = app.clock.at(app.p), at = now ? now.phase.equation : equations.length - 1;
    const forward = rows.filter((row) => row.equation.part === "f"), backward = rows.filter((row) => row.equation.part !== "f");
    const columns = two ? [[forward, 0, W * 0.44], [backward, W * 0.44, W * 0.56]] : [[rows, 0, W]];
    for (const [list, x, width] of columns) if (list.length) this.column(list, x, width, H, at);
    this.items.unshift(drawing("rows", this.art));
    return this.items;
  }
  // Every equation in pieces, taken apart anew when a number or the face has changed.
  rows(equations) {
    if (this.of !== this.model.arrays || this.face !== face) {
      this.kept = equations.map((equation, k) => ({ k, equation, pieces: this.pieces(equation) }));
      [this.of, this.face] = [this.model.arrays, face];
    }
    return this.kept;
  }
  high(row, unit) { return Math.max(28, Math.max(...row.pieces.map((piece) => (piece.block ? piece.block.r * unit : 0)))) + 36; }
  wide(row, unit) { return row.pieces.reduce((s, piece) => s + this.pieceWidth(piece, unit), 56); }
  pieceWidth(piece, unit) {
    if (piece.sign) return textWidth(piece.sign, 17) + 10;
    return Math.max(piece.block.c * unit, 12, piece.words) + 12;
  }
  // How large the cells of a row can be where others have cells of a size: a long equation has smaller ones.
  unitOf(row, unit, width) {
    if (row.width !== width) {
      [row.width, row.most] = [width, 26];
      while (row.most > 4 && this.wide(row, row.most) > width - 12) row.most -= 0.5;
    }
    return Math.min(unit, row.most);
  }
  column(list, x, width, H, at) {
    const top = 16, high = (row, unit) => this.high(row, this.unitOf(row, unit, width)), sum = (rows, unit) => rows.reduce((s, row) => s + high(row, unit), 0), fits = (rows, unit) => rows.length <= MOST_ROWS && sum(rows, unit) <= H - 30;
    const old = this.views.get(x), here = list.findIndex((row) => row.k === at), stays = old && old.size === `${width},${H}` && old.rows === this.kept && (here < 0 || ((here > old.from || !here) && (here < old.to - 1 || here === list.length - 1)));
    const { unit, from, to } = stays ? old : this.view(list, at, fits);
    this.views.set(x, { size: `${width},${H}`, rows: this.kept, unit, from, to });
    const shown = list.slice(from, to);
    let y = Math.max(top, (H - sum(shown, unit)) / 2);
    const fold = (id, yy, text) => this.items.push(label(`fold${x}${id}`, x + 20, yy, `<span class="cap">${text}</span>`, "", { ax: 0 }));
    if (from) fold("a", Math.min(y, 10), `… ${from} before`);
    for (const row of shown) { this.row(row, x, y, this.unitOf(row, unit, width), width); y += high(row, unit); }
    if (to < list.length) fold("b", H - 10, `… ${list.length - to} more`);
  }
  // The rows that have room, with the clock's in their middle, and the largest cells with which they have.
  view(list, at, fits) {
    let unit = 26, from = 0, to = list.length;
    const middle = clamp(list.findIndex((row) => row.k >= at), 0, list.length - 1);
    const largest = () => { for (let u = 26; u >= 4; u -= 0.5) if (fits(list.slice(from, to), u)) return u; return 0; };
    for (unit = largest(); unit < 9 && to - from > 1; unit = largest() || (to - from > 1 ? 0 : 4)) if (to - 1 - middle >= middle - from) to--; else from++;
    while (from > 0 && fits(list.slice(from - 1, to), unit)) from--;
    while (to < list.length && fits(list.slice(from, to + 1), unit)) to++;
    return { unit: unit || 4, from, to };
  }
  row({ k, equation, pieces }, x0, y, unit, width) {
    const { app } = this, { p, clock } = app, phase = clock.phases.find((each) => each.equation === k), known = p >= phase.end, here = clock.at(p) && clock.at(p).phase === phase && p < clock.length, forward = equation.part === "f", high = this.high({ pieces }, unit) - 36, middle = y + 22 + high / 2;
    let x = x0 + 44;
    if (here) this.art += `<rect class="nowrow ${forward ? "v" : "g"}" x="${f1(x0 + 8)}" y="${f1(y + 2)}" width="${f1(width - 14)}" height="${f1(high + 30)}" rx="8"/>`;
    this.items.push(label(`arrow${k}`, x0 + 18, middle, `<span class="lane ${forward ? "v" : "g"}">${forward ? "→" : "←"}</span>`, "", { ax: 0 }));
    pieces.forEach((piece, n) => {
      const w = this.pieceWidth(piece, unit);
      if (piece.sign) { this.items.push(label(`s${k}.${n}`, x + w / 2 - 4, middle, piece.sign, "op")); x += w; return; }
      const { block } = piece, cw = Math.max(block.c * unit, 12) / block.c, left = x + (w - 12 - block.c * cw) / 2, up = middle - (block.r * unit) / 2;
      this.items.push(cells(`e${k}.${n}`, block, piece.kind, (i, j) => [left + j * cw + cw / 2, up + i * unit + unit / 2, cw, unit], { frame: 1, known: (n === 0 ? known : this.isKnown(piece.term)) ? null : () => false, term: piece.id, name: piece.term.family ?? -1 }));
      if (piece.markup) this.items.push(label(`n${k}.${n}`, left + (block.c * cw) / 2, up - 3, piece.markup, "tag small", { ay: -100 }));
      x += w;
    });
  }
  // Whether everything in a term has been computed.
  isKnown(term) {
    const { app, model } = this, { equations, families } = model.set, { phases } = app.clock;
    const done = (family) => phases.every((phase) => phase.equation < 0 || equations[phase.equation].family !== family || phase.end <= app.p);
    return [...walkTerms(term)].every((t) => t.kind !== "reference" || families[t.family].nodes || done(t.family));
  }
  // An equation as blocks and signs between them.
  pieces({ part, pieces: [left, right] }) {
    const { model } = this, colour = part === "f" ? "v" : "g";
    return [...left, "=", ...right].map((piece, k) => {
      if (typeof piece === "string") return { sign: piece };
      const meaning = model.set.meanings[piece], { term } = meaning, isNamed = [...walkTerms(term)].length < 4 && ["reference", "prime", "call", "softmax"].includes(term.kind), markup = isNamed ? this.app.panel.markup(meaning) : "";
      return { block: model.numbers(meaning), kind: k ? model.kindOf(meaning) : colour, term, id: piece, markup, words: textWidth(markup.replace(/<[^>]*>/g, ""), 11) };
    });
  }
  bands() { return []; }
}
