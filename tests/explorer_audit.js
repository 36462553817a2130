// In the browser: texts of the picture that lie on each other or are cut off, and lines behind cards.
const boxOf = (e) => { const r = e.getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom]; };
const visible = (e) => {
  const style = getComputedStyle(e);
  if (style.visibility === "hidden" || style.display === "none") return false;
  for (let p = e; p && p !== document.body; p = p.parentElement) if (+getComputedStyle(p).opacity < 0.05) return false;
  return true;
};
const stage = document.querySelector(".stage"), edge = boxOf(stage), texts = [], bad = [];
for (const e of stage.querySelectorAll(".label, .canvas text:not(.script), .crumbs > *, .picks > button")) {
  if ((!e.textContent.trim() && !e.querySelector("svg")) || !visible(e)) continue;
  const boxes = e.classList.contains("label") && e.children.length ? [...e.children].map(boxOf) : [boxOf(e)];
  const box = [0, 1, 2, 3].map((k) => Math[k < 2 ? "min" : "max"](...boxes.map((b) => b[k])));
  if (box[2] - box[0] < 1) continue;
  const slack = (box[3] - box[1]) * 0.16; // the room that a face leaves above and below its letters
  texts.push([e.textContent.trim().slice(0, 24) || "example", [box[0], box[1] + slack, box[2], box[3] - slack]]);
}
texts.forEach(([one, a], i) => texts.slice(i + 1).forEach(([two, b]) => {
  const w = Math.min(a[2], b[2]) - Math.max(a[0], b[0]), h = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (w > 2.5 && h > 2.5) bad.push(`${one} lies on ${two}`);
}));
for (const [text, b] of texts) if (b[0] < edge[0] - 1 || b[2] > edge[2] + 1 || b[1] < edge[1] - 1 || b[3] > edge[3] + 1) bad.push(`${text} is cut off`);
const cards = [...stage.querySelectorAll(".card > rect, .constant > rect, .node")].map(boxOf).map((b) => [b[0] + 2, b[1] + 2, b[2] - 2, b[3] - 2]);
const behind = (points, boxes = cards) => points.some(([x, y]) => boxes.some((c) => x > c[0] && x < c[2] && y > c[1] && y < c[3]));
for (const lines of stage.querySelectorAll(".wire")) {
  const ends = lines.getAttribute("d").split("M").slice(1).map((part) => part.split("L").map((point) => point.split(" ").map(Number)));
  const along = ends.flatMap(([[x, y], [u, v]]) => [0.05, 0.2, 0.35, 0.5, 0.65, 0.8, 0.95].map((t) => [edge[0] + x + (u - x) * t, edge[1] + y + (v - y) * t]));
  if (behind(along)) bad.push("a line of the network lies behind a card");
}
for (const line of stage.querySelectorAll(".wire2, .skip")) {
  const length = line.getTotalLength(), m = line.getScreenCTM();
  const points = Array.from({ length: 39 }, (_, k) => line.getPointAtLength((length * (k + 1)) / 40)).map((p) => [p.x * m.a + m.e, p.y * m.d + m.f]);
  if (behind(points)) bad.push("a line lies behind a card");
  if (line.classList.contains("skip")) for (const [text, box] of texts) if (behind(points, [box])) bad.push(`a skip runs through ${text}`);
}
return bad;
