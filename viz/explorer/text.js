// Numbers and mark-up as text.
const escaped = (text) => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
const f1 = (x) => Math.round(x * 10) / 10;
const clamp = (x, low, high) => Math.max(low, Math.min(high, x));
// How wide a text is in the page's own face; without a page (in tests) by a mean width.
const pen = typeof document === "undefined" ? null : document.createElement("canvas").getContext("2d");
const widths = new Map();
let face = "";
function readFace() {
  const now = getComputedStyle(document.body).fontFamily;
  if (now !== face) widths.clear();
  face = now;
}
function textWidth(text, size, weight = 550) {
  if (!pen) return text.length * size * 0.6;
  const key = `${weight} ${size} ${text}`;
  if (!widths.has(key)) {
    if (widths.size > 20000) widths.clear();
    pen.font = `${weight} ${size}px ${face}`;
    widths.set(key, pen.measureText(text).width);
  }
  return widths.get(key);
}
// A number in as many digits as a width holds; if not even one fits, without the zero before the point, or with an
// exponent instead of all its zeros.
function numberWithin(x, width, size, digits = 4) {
  for (let d = digits; d > 0; d--) if (textWidth(show(x, d), size) <= width) return show(x, d);
  const bare = show(x, 1).replace(/^(−?)0\./, "$1.");
  if (textWidth(bare, size) <= width) return bare;
  const [mantissa, exponent] = x.toExponential(0).split("e");
  return exponent < 0 ? `${mantissa}e${exponent}`.replace(/-/g, "−") : show(x, 1);
}
const span = (kind, text) => `<b class="${kind}">${text}</b>`;
const math = (kind, inner) => `<math class="${kind}">${inner}</math>`;

// As pictures show a number: significant digits, a true minus sign.
function show(x, digits = 4) {
  if (x === 0) return "0";
  if (!Number.isFinite(x)) return Number.isNaN(x) ? "undefined" : x > 0 ? "∞" : "−∞";
  const [mantissa, exponent] = x.toExponential(digits - 1).split("e");
  const scientific = +exponent < -4 || +exponent >= digits;
  const text = scientific ? `${Number(mantissa)}e${+exponent}` : String(Number(x.toPrecision(digits)));
  return text.replace(/-/g, "−");
}
// The same in as few characters as fit.
function fitted(x, characters, digits = 4) {
  for (let d = digits; d > 1; d--) if (show(x, d).length <= characters) return show(x, d);
  return show(x, 1);
}
const bracketed = (kind, x, digits) => (x < 0 ? `(${span(kind, show(x, digits))})` : span(kind, show(x, digits)));

// Symbols of the literature: zˡ with a neuron's index below, and the derivative of the cost by something.
function symbol(letter, layer, index) {
  if (index === undefined) return `<msup><mi>${letter}</mi><mn>${layer}</mn></msup>`;
  return `<msubsup><mi>${letter}</mi><mn>${index}</mn><mn>${layer}</mn></msubsup>`;
}
// A layer's slopes: its function's derivative where its sums stand.
const slopeSymbol = ({ l, act }) => `<msup><mi>${act === "sigmoid" ? "σ" : escaped(act)}</mi><mo>′</mo></msup><mo stretchy="false">(</mo>${symbol("z", l)}<mo stretchy="false">)</mo>`;
const by = (inner) => `<mfrac><mrow>${D}<mi>C</mi></mrow><mrow>${D}${inner}</mrow></mfrac>`;
const D = '<mo form="prefix">∂</mo>';
