// What happens at a step, as a sentence. Also what a screen reader says.
class Words {
  constructor(app) { this.app = app; }
  get model() { return this.app.model; }
  get tell() {
    const { app, model } = this, { clock, p, depth } = app, now = clock.at(p);
    if (!now) return ["Before both passes", app.story];
    if (p >= clock.length && depth !== "scalars") return ["Both passes are done", app.story];
    if (depth === "scalars") return this.scalar();
    const part = now.phase.part, out = model.network ? "C" : escaped(model.tape.name[model.tape.root]), pass = part === "f" ? span("v", "Forward") : span("g", part === "g" ? "Gradients" : "Backward");
    if (now.phase.key === "seed") return [pass, `starts at the output: ∂${out}/∂${out} = ${span("g", 1)}`];
    if (!model.network) return [pass, this.equation(now.phase)];
    return [pass, depth === "network" ? this.layer(now) : this.row(now)];
  }
  scalar() {
    const { app, model } = this, { tape } = model, now = app.scenes.scalars.now, name = (i) => `<i class="nm">${escaped(tape.name[i])}</i>`, out = name(tape.root);
    if (!now) return ["", ""];
    if (now.seed) return [span("g", "Backward"), `begins with ∂${out}/∂${out} = ${span("g", 1)}`];
    if (now.node !== undefined) return [span("v", "Forward"), `${name(now.node)} = ${this.spelled(now.node)} = ${span("v", show(tape.v[now.node]))}`];
    const e = now.edge, several = tape.uses[e.tail].filter((u) => u.when).length > 1;
    let text = `∂${out}/∂${name(e.tail)} receives ${span("g", show(e.up))} × ${bracketed("l", e.local)} = ${span("g", show(e.change))}`;
    if (several) text += `, so it goes from ${span("g", show(e.before))} to ${span("g", show(e.after))}`;
    const rule = tape.rules[e.head] && tape.rules[e.head][e.slot];
    if (rule && rule !== show(e.local)) text += `; the slope of ${name(e.head)} by it is ${span("l", escaped(rule))}`;
    return [span("g", "Backward"), text];
  }
  spelled(i) {
    const { tape } = this.model, args = tape.args[i], op = tape.op[i], number = (k) => bracketed("v", tape.v[k], 3), infix = { add: "+", sub: "−", mul: "×", div: "÷" }[op];
    if (infix) return args.map(number).join(` ${infix} `);
    if (op === "affine") {
      const n = args.length >> 1;
      if (n > 3) return `${n} products and the bias`;
      return [...args.slice(0, n).keys()].map((k) => `${number(args[k])} × ${number(args[n + k])}`).concat(number(args[2 * n])).join(" + ");
    }
    if (op === "pow") return `${number(args[0])}<sup>${show(tape.v[args[1]])}</sup>`;
    return `${escaped(OP_SYMBOLS[op] && op !== "neg" ? op : op === "neg" ? "−" : op)}(${args.length > 4 ? `${args.length} numbers` : args.map((k) => span("v", show(tape.v[k], 3))).join(", ")})`;
  }
  equation(phase) {
    const { model } = this, count = model.set.equations.length;
    return `equation ${phase.equation + 1} of ${count}: ${this.app.panel.equationMarkup(phase.equation)}`;
  }
  layer({ phase: { key, layer, equation } }) {
    const { app, model } = this, l = layer && layer.l, S = (kind, letter, k) => math(kind, symbol(letter, k)), input = l && math("v", inputSymbol(app, l, true)), f = layer && escaped(layer.act || "identity");
    if (key === "loss") return `the cost is ${span("v", show(model.cost))}${model.count > 1 ? `, the mean of ${model.count} examples` : ""}`;
    if (key === `in${l}`) return `what went around joins what went through: ${math("v", inputSymbol(app, l))}`;
    if (key === `z${l}`) return `layer ${l}: each neuron weighs what arrives and adds it up`;
    if (key === `a${l}`) return `layer ${l} bends its sums: ${S("v", "a", l)} = ${f}(${S("v", "z", l)})`;
    if (key === `delta${model.layers.length}`) return equation >= 0 ? `the error of the answer: ${app.panel.equationMarkup(equation)}` : `the error of the answer, ${S("g", "δ", l)}`;
    const around = this.comesAround(key) ? "; what comes around is added" : "";
    if (key === `da${l}`) return model.layers[l].plain ? `${S("v", "W", l + 1)}, which was read by rows, is now read by columns${around}` : "a sum hands on what it receives to all its parts";
    if (key === `din${l}`) return `${S("v", "W", l)} by columns: what ${input} receives${around}`;
    if (key === `delta${l}`) return layer.bends ? `times the slope of ${f} where each neuron stands` : `layer ${l} passes on what arrives`;
    if (key === "dx") return "and once more, to the input: what the cost depends on there";
    if (key === `dW${l}`) return `each weight of layer ${l}: the ${S("g", "δ", l)} that it leads to × what it weighs in ${input}`;
    return `a bias weighs 1, so its gradient is ${S("g", "δ", l)}`;
  }
  // Whether something arrives at a block around a layer.
  comesAround(key) {
    const own = key === "dx" ? "x" : key.replace(/^d/, "");
    return this.model.joins.some((join) => join.around.includes(own));
  }
  // W read by a column, and what comes around the layer.
  column(key, row, l, total) {
    const { model } = this, text = `column ${row} of ${math("v", symbol("W", l))} times ${math("g", symbol("δ", l))}`;
    if (!this.comesAround(key)) return text + total;
    if (model.count > 1) return `${text}, and what comes around${total}`;
    const { weighed, other } = model.arriving(key === "dx" ? "x" : key.replace(/^d/, ""), row);
    return other.length ? `${text}, ${span("g", show(sum(weighed)))}, and around it ${span("g", show(sum(other.map(([, x]) => x))))}, together${total}` : `all that it is weighed by, times their δ${total}`;
  }
  row({ phase: { key, layer }, row }) {
    const { app, model } = this, B = model.blocks, l = layer && layer.l, one = model.count === 1, x = (k, i = row) => B[k].d[i * B[k].c], S = (kind, letter, k, i) => math(kind, symbol(letter, k, i));
    const is = (kind, k) => (one ? ` = ${span(kind, show(x(k)))}` : `, for ${model.count} examples`), input = l && math("v", inputSymbol(app, l, true));
    if (key === "loss" || key === `in${l}`) return this.layer({ phase: { key, layer } });
    if (key === `z${l}`) return `${S("v", "z", l, row)} = row ${row} of ${S("v", "W", l)} times ${input}${layer.b.length ? ", and its bias" : ""}${is("v", key)}`;
    if (key === `a${l}`) return one ? `${S("v", "a", l, row)} = ${escaped(layer.act)}(${span("v", show(x(`z${l}`)))}) = ${span("v", show(x(key)))}, where the slope is ${span("l", show(x(`slope${l}`)))}` : `${S("v", "a", l, row)}${is("v", key)}`;
    const column = (k) => this.column(key, row, k, is("g", key));
    if (key === `da${l}`) return `∂C/∂${S("v", "a", l, row)} = ${model.layers[l].plain ? column(l + 1) : `what comes back from the sum${is("g", key)}`}`;
    if (key === `din${l}`) return `entry ${row}: ${column(l)}`;
    if (key === `delta${l}` && layer.bends && one && l < model.layers.length) return `${S("g", "δ", l, row)} = ${bracketed("g", x(`da${l}`))} × ${bracketed("l", x(`slope${l}`))} = ${span("g", show(x(key)))}`;
    if (key === `delta${l}`) return `${S("g", "δ", l, row)}${is("g", key)}`;
    if (key === "dx") return `∂C/∂${S("v", "a", 0, row)} = ${column(1)}`;
    if (key === `dW${l}`) return one ? `row ${row} of ∂C/∂${S("v", "W", l)} is ${S("g", "δ", l, row)} = ${span("g", show(x(`delta${l}`)))} times ${input}` : `row ${row} of ∂C/∂${S("v", "W", l)}: ${S("g", "δ", l, row)} times ${input}, summed over the examples`;
    return `∂C/∂${S("v", "b", l, row)} = ${S("g", "δ", l, row)}${one ? ` = ${span("g", show(x(`delta${l}`)))}` : ", summed over the examples"}`;
  }
}
