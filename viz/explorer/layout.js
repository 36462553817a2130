// A layered layout of a small graph: operands left of what is made from them, few crossings, and in every rank room for
// each line that passes it, so that no line lies behind a card.
function layeredLayout(ids, edges, size, gaps) {
  const graph = ranked(ids, edges, size, gaps.line);
  ordered(graph);
  levelled(graph, gaps);
  return placed(graph, ids, gaps);
}
// Ranks, and a cell in each rank that an edge passes.
function ranked(ids, edges, size, line) {
  const index = new Map(ids.map((id, k) => [id, k])), rank = ids.map(() => 0), ins = ids.map(() => []), outs = ids.map(() => []);
  edges.forEach(([tail, head], e) => { ins[index.get(head)].push(e); outs[index.get(tail)].push(e); });
  ids.forEach((_, k) => { for (const e of ins[k]) rank[k] = Math.max(rank[k], rank[index.get(edges[e][0])] + 1); });
  ids.forEach((_, k) => { if (!ins[k].length && outs[k].length) rank[k] = Math.min(...outs[k].map((e) => rank[index.get(edges[e][1])])) - 1; });
  const least = Math.min(...rank);
  rank.forEach((r, k) => { rank[k] = r - least; });
  const nodes = ids.map((id, k) => ({ rank: rank[k], w: size(id)[0], h: size(id)[1], up: [], down: [], real: true }));
  const chains = edges.map(([tail, head]) => {
    const a = index.get(tail), b = index.get(head), chain = [a];
    for (let r = rank[a] + 1; r < rank[b]; r++) chain.push(nodes.push({ rank: r, w: 0, h: line, up: [], down: [], real: false }) - 1);
    chain.push(b);
    for (let k = 1; k < chain.length; k++) { nodes[chain[k - 1]].down.push(chain[k]); nodes[chain[k]].up.push(chain[k - 1]); }
    return chain;
  });
  const ranks = Array.from({ length: Math.max(...rank) + 1 }, () => []), seen = new Set();
  const visit = (c) => {
    const waiting = [c];
    while (waiting.length) {
      const d = waiting.pop();
      if (seen.has(d)) continue;
      seen.add(d);
      ranks[nodes[d].rank].push(d);
      waiting.push(...[...nodes[d].up].reverse());
    }
  };
  for (let k = ids.length - 1; k >= 0; k--) visit(k);
  return { nodes, chains, ranks, ins, outs };
}
// Sweeps by the mean of the neighbours, then exchanges of neighbours while they help; the best of several starts.
function ordered(graph) {
  const { nodes, ranks } = graph, place = new Float64Array(nodes.length), number = () => ranks.forEach((rank) => rank.forEach((c, k) => { place[c] = k; }));
  const between = (rank) => {
    const list = rank.flatMap((c) => nodes[c].down.map((d) => [place[c], place[d]]));
    let count = 0;
    for (let i = 0; i < list.length; i++) for (let j = i + 1; j < list.length; j++) if ((list[i][0] - list[j][0]) * (list[i][1] - list[j][1]) < 0) count++;
    return count;
  };
  const crossings = () => ranks.reduce((s, rank) => s + between(rank), 0), small = nodes.length < 120;
  number();
  let fewest = crossings(), best = ranks.map((rank) => [...rank]), seed = 7;
  const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
  const sweep = (down) => {
    for (const rank of down ? ranks : [...ranks].reverse()) {
      const wish = new Map(rank.map((c) => {
        const near = down ? nodes[c].up : nodes[c].down;
        return [c, near.length ? near.reduce((s, d) => s + place[d], 0) / near.length : place[c]];
      }));
      rank.sort((a, b) => wish.get(a) - wish.get(b));
      rank.forEach((c, k) => { place[c] = k; });
    }
  };
  const exchange = () => {
    for (let again = true; again;) {
      again = false;
      ranks.forEach((rank, r) => {
        for (let k = 0; k + 1 < rank.length; k++) {
          const cost = () => (r ? between(ranks[r - 1]) : 0) + between(rank), before = cost();
          const swap = () => { [rank[k], rank[k + 1]] = [rank[k + 1], rank[k]]; place[rank[k]] = k; place[rank[k + 1]] = k + 1; };
          swap();
          if (cost() < before) again = true; else swap();
        }
      });
    }
  };
  for (let round = 0, idle = 0; round < (small ? 14 : 3) && fewest > 0 && idle < 4; round++, idle++) {
    if (round % 2) for (const rank of ranks) rank.sort(() => random() - 0.5);
    else if (round) best.forEach((rank, r) => { ranks[r] = [...rank]; });
    number();
    for (let k = 0; k < 10 && fewest > 0; k++) {
      sweep(k % 2 === 0);
      if (small) exchange();
      const count = crossings();
      if (count < fewest) { idle = -1; fewest = count; best = ranks.map((rank) => [...rank]); }
    }
  }
  best.forEach((rank, r) => { ranks[r] = rank; });
  graph.crossings = fewest;
}
// Heights: everything wants to lie level with what it is joined to, as far as its neighbours allow.
function levelled(graph, gaps) {
  const { nodes, ranks } = graph, y = (graph.y = new Float64Array(nodes.length));
  const apart = (a, b) => (nodes[a].h + nodes[b].h) / 2 + gaps.node * (nodes[a].real && nodes[b].real ? 1 : 0.6);
  for (const rank of ranks) {
    let at = 0;
    rank.forEach((c, k) => { if (k) at += apart(rank[k - 1], c); y[c] = at; });
    for (const c of rank) y[c] -= at / 2;
  }
  const settle = (rank, wish, weight) => { // least squares with distances: what collides is pooled
    const offset = [0], pools = [];
    for (let k = 1; k < rank.length; k++) offset.push(offset[k - 1] + apart(rank[k - 1], rank[k]));
    rank.forEach((_, k) => {
      pools.push({ sum: (wish[k] - offset[k]) * weight[k], weight: weight[k], n: 1 });
      while (pools.length > 1 && pools.at(-2).sum / pools.at(-2).weight > pools.at(-1).sum / pools.at(-1).weight) {
        const b = pools.pop(), a = pools.at(-1);
        a.sum += b.sum; a.weight += b.weight; a.n += b.n;
      }
    });
    let k = 0;
    for (const pool of pools) for (let m = 0; m < pool.n; m++, k++) y[rank[k]] = pool.sum / pool.weight + offset[k];
  };
  for (let sweep = 0; sweep < 40; sweep++) {
    const down = sweep % 2 === 0, near = (c) => (sweep > 30 ? [...nodes[c].up, ...nodes[c].down] : down ? nodes[c].up : nodes[c].down);
    for (const rank of down ? ranks : [...ranks].reverse()) {
      const wish = rank.map((c) => { const list = near(c); return list.length ? list.reduce((s, d) => s + y[d], 0) / list.length : y[c]; });
      settle(rank, wish, rank.map((c) => (nodes[c].real ? 1 : 6) * ((down ? nodes[c].up : nodes[c].down).length ? 1 : 0.05)));
    }
  }
}
// Coordinates of cards, and of the points that each line goes through.
function placed({ nodes, ranks, chains, ins, outs, y, crossings }, ids, gaps) {
  const width = ranks.map((rank) => Math.max(0, ...rank.map((c) => nodes[c].w))), x = [];
  width.forEach((w, r) => x.push(r ? x[r - 1] + width[r - 1] / 2 + w / 2 + gaps.rank : w / 2));
  const top = Math.min(...nodes.map((c, k) => y[k] - c.h / 2)), bottom = Math.max(...nodes.map((c, k) => y[k] + c.h / 2));
  const tailY = [], headY = [];
  // ends of lines are spread over the side of a card, in the order of their other ends
  const ports = (k, list, into, side) => {
    const sorted = [...list].sort((p, q) => (side ? y[chains[p][1]] - y[chains[q][1]] : y[chains[p].at(-2)] - y[chains[q].at(-2)]));
    const room = Math.min(nodes[k].h - (side ? 18 : 12), (side ? gaps.port : 8) * (sorted.length - 1));
    sorted.forEach((e, n) => { into[e] = y[k] - top + (sorted.length > 1 ? -room / 2 + (room * n) / (sorted.length - 1) : 0); });
  };
  ids.forEach((_, k) => { ports(k, outs[k], tailY, true); ports(k, ins[k], headY, false); });
  const routes = chains.map((chain, e) => chain.flatMap((c, k) => {
    const at = x[nodes[c].rank], half = width[nodes[c].rank] / 2;
    if (k === 0) return [[at + nodes[c].w / 2, tailY[e]], ...(gaps.stub ? [[at + half + gaps.stub, tailY[e]]] : [])];
    if (k === chain.length - 1) return [...(nodes[c].w < 2 * half ? [[at - half, headY[e]]] : []), [at - nodes[c].w / 2, headY[e]]];
    return [[at - half, y[c] - top], [at + half, y[c] - top]];
  }));
  const at = new Map(ids.map((id, k) => [id, { x: x[nodes[k].rank], y: y[k] - top }]));
  return { at, routes, crossings, width: x.at(-1) + width.at(-1) / 2, height: bottom - top };
}
function curveThrough(points, downwards) {
  let d = `M${f1(points[0][0])} ${f1(points[0][1])}`;
  for (let k = 1; k < points.length; k++) {
    const [x, y] = points[k - 1], [u, v] = points[k];
    if (downwards) d += Math.abs(x - u) < 0.6 ? `V${f1(v)}` : `C${f1(x)} ${f1((y + v) / 2)} ${f1(u)} ${f1((y + v) / 2)} ${f1(u)} ${f1(v)}`;
    else d += Math.abs(y - v) < 0.6 ? `H${f1(u)}` : `C${f1((x + u) / 2)} ${f1(y)} ${f1((x + u) / 2)} ${f1(v)} ${f1(u)} ${f1(v)}`;
  }
  return d;
}
