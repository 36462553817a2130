"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const $ = (id) => document.getElementById(id);
  const root = document.documentElement;
  const stage = document.querySelector(".stage");
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  const ADDRESS_AFTER = 250;
  const LARGE = 150; // boxes; in a larger picture nothing glides, because every frame of the way would be drawn anew
  const AROUND = 100;
  const AHEAD = "m-6-3l6 3-6 3", BACK = "m6-3l-6 3 6 3"; // the tips of lines: markers take as long as all the lines
  let level, timer = 0, writing = 0, hits = [], hit = -1, ready = false;

  // Elements that lie near each other share a sheet, so their order is not that of the cells.
  function ordered(elements, order) {
    const result = [...elements];
    order.forEach((k, at) => { result[k] = elements[at]; });
    return result;
  }

  // Cut a sheet down to what is on it: then it need not be painted until it comes near, nor again when others do.
  function crop(sheet, view) {
    const [left, top, width, height] = sheet.dataset.area.split(" ").map(Number);
    const part = (length, whole) => `${100 * length / whole}%`;
    sheet.setAttribute("viewBox", sheet.dataset.area);
    sheet.setAttribute("preserveAspectRatio", "none");
    Object.assign(sheet.style, { left: part(left - view.x, view.width), top: part(top - view.y, view.height),
      width: part(width, view.width), height: part(height, view.height) });
  }

  // A level's position p counts its steps: F results, one seed, B contributions. Going one step toggles a few classes.
  const levels = data.levels.map((source, k) => {
    const picture = stage.querySelectorAll(".picture")[k], svg = picture.firstElementChild;
    const boxes = ordered(picture.querySelectorAll(".b"), source.boxes);
    const edges = ordered(picture.querySelectorAll(".e"), source.arrows);
    const large = boxes.length > LARGE;
    if (large) {
      picture.classList.add("large");
      for (const edge of edges) {
        const line = edge.querySelector("path"), d = line.getAttribute("d");
        edge.tips = { line, ahead: d + AHEAD, back: /^M[^A-Z]+/.exec(d)[0] + BACK + d };
      }
    }
    const cells = source.cells.map(([name, forward, keywords], i) => {
      const [x, y] = [["x", "width"], ["y", "height"]].map(([at, size]) => {
        const rect = boxes[i].querySelector("rect");
        return Number(rect.getAttribute(at)) + Number(rect.getAttribute(size)) / 2;
      });
      return {
        name, forward, keywords: keywords.toLowerCase().split(" "), box: boxes[i], states: [...boxes[i].querySelectorAll(".g")], reached: 0, into: [], uses: 0, x, y,
      };
    });
    const steps = [];
    source.flows.forEach(([tail, head, local, contribution, rule, numbers], i) => {
      cells[head].into.push(edges[i]);
      if (contribution !== null) {
        const flow = { edge: edges[i], tail: cells[tail], head: cells[head], local, contribution,
          rule: data.rules[rule], numbers: data.rules[numbers], nth: ++cells[tail].uses };
        steps.push(flow);
      }
    });
    const results = source.cells.flatMap(([, forward], i) => (forward === "" ? [] : [cells[i]]));
    const seed = cells[source.root];
    const view = svg.viewBox.baseVal;
    for (const sheet of picture.querySelectorAll("[data-area]")) crop(sheet, view);
    return { name: source.name, output: seed.name, picture, svg, cells, steps, results, seed, large, p: 0, active: [],
      last: results.length + 1 + steps.length, zoom: 0, width: view.width, height: view.height, left: view.x, top: view.y };
  });

  const show = (cell, count) => {
    const states = cell.states;
    if (cell.reached) states[cell.reached - 1].classList.remove("on");
    if (count) states[count - 1].classList.add("on");
    cell.reached = count;
    cell.box.classList.toggle("full", count === states.length);
  };

  function turn({ tips }, back) {
    if (tips) tips.line.setAttribute("d", back ? tips.back : tips.ahead);
  }

  function step(l, s, forwards) {
    const F = l.results.length;
    if (s <= F) l.results[s - 1].box.classList.toggle("f", forwards);
    else if (s === F + 1) show(l.seed, forwards ? 1 : 0);
    else {
      const flow = l.steps[s - F - 2];
      const seeded = flow.tail === l.seed ? 1 : 0;
      show(flow.tail, seeded + flow.nth - (forwards ? 0 : 1));
      flow.edge.classList.toggle("done", forwards);
      turn(flow.edge, forwards);
    }
  }

  function move(p, follow = true) {
    const l = level, F = l.results.length;
    p = Math.max(0, Math.min(l.last, p));
    const target = p > F + 1 ? l.steps[p - F - 2].tail : p === F + 1 ? l.seed : p ? l.results[p - 1] : null;
    if (follow && target) look(target, Math.abs(p - l.p) > 1);
    for (const [element, kind] of l.active) element.classList.remove(kind);
    while (l.p < p) step(l, ++l.p, true);
    while (l.p > p) step(l, l.p--, false);
    l.active = [];
    if (p > F + 1) {
      const flow = l.steps[p - F - 2];
      l.active = [[flow.edge, "act"], [flow.tail.box, "gets"], [flow.head.box, "gives"]];
    } else if (p > F) l.active = [[l.seed.box, "gets"]];
    else if (p) l.active = [[target.box, "now"], ...target.into.map((edge) => [edge, "in"])];
    for (const [element, kind] of l.active) element.classList.add(kind);
    tell();
  }

  // Scroll so that a cell is visible; sizes come from attributes, so nothing has to be laid out for it.
  function look(cell, far = false) {
    const z = level.zoom, x = (cell.x - level.left) * z, y = (cell.y - level.top) * z;
    const { scrollLeft, scrollTop, clientWidth, clientHeight } = stage;
    const off = x < scrollLeft + 70 || x > scrollLeft + clientWidth - 70;
    const out = y < scrollTop + 40 || y > scrollTop + clientHeight - 40;
    if (off || out) {
      stage.scrollTo({ left: off ? x - clientWidth / 2 : scrollLeft, top: out ? y - clientHeight / 2 : scrollTop,
        behavior: still.matches || timer || far || level.large ? "instant" : "auto" });
    }
  }

  // --- the sentence and the equation of a step ---------------------------------------------------

  const MATHML = "http://www.w3.org/1998/Math/MathML";
  function node(tag, ...children) {
    const element = document.createElementNS(MATHML, tag);
    element.append(...children);
    return element;
  }
  const derivative = (of, by) =>
    node("mfrac", node("mrow", node("mo", "∂"), node("mi", of)), node("mrow", node("mo", "∂"), node("mi", by)));
  const sign = (text) => node("mo", text);
  const number = (text) => node("mn", text);
  const bracketed = (text) => (text.startsWith("−") ? "(" + text + ")" : text);

  function line(kind, ...parts) {
    const box = document.createElement("div");
    box.className = kind;
    for (const part of parts) {
      if (typeof part === "string") box.append(part);
      else if (part.length) {
        const math = node("math", node("mrow", ...part));
        math.setAttribute("displaystyle", "true");
        box.append(math);
      }
    }
    return box;
  }

  function valueLines(l, { tail, head, local, contribution, rule, numbers }, up) {
    const lines = [line("", [derivative(l.output, tail.name), sign("+="), derivative(l.output, head.name), sign("·"),
      derivative(head.name, tail.name), sign("="), number(up), sign("·"), number(bracketed(local)), sign("="),
      number(contribution)])];
    const rules = [rule, numbers].filter((text, k, all) => text && text !== local && all.indexOf(text) === k);
    if (rules.length) {
      lines.push(line("why", [derivative(head.name, tail.name),
        ...[...rules, local].flatMap((text) => [sign("="), node("mtext", text)])]));
    }
    return lines;
  }

  function layerLines(l, { tail, head, local, contribution }, up) {
    const transposed = node("msup", node("mrow", sign("("), derivative(head.name, tail.name), sign(")")), node("mo", "⊤"));
    return [
      line("", [derivative(l.output, tail.name), sign("+="), transposed, derivative(l.output, head.name)]),
      line("why", `a ${local} matrix times a vector of norm ${up} gives one of norm ${contribution}`),
    ];
  }

  function tell() {
    const l = level, F = l.results.length, B = l.steps.length, p = l.p;
    const sums = $("sums"), change = $("change"), phase = $("phase");
    let title, where, lines = [], pill = [], spoken;
    const part = p === 0 ? "start" : p <= F ? "forward" : "backward";
    if (p === 0) {
      title = "Start"; where = "inputs are given";
      spoken = "Start: the inputs and parameters are given.";
      lines = [line("", "Forward, each box computes its value. Backward, each arrow carries upstream × local."),
        line("why", "Press play, or step with the arrow keys.")];
    } else if (p <= F) {
      const cell = l.results[p - 1];
      title = "Forward"; where = `${p} of ${F}`;
      lines = [line("", [node("mi", cell.name), sign("="), node("mtext", cell.forward)])];
      pill = [cell.forward.split(" = ").pop(), "value of " + cell.name];
      spoken = `Forward ${p} of ${F}: ${cell.name} = ${cell.forward}.`;
    } else if (p === F + 1) {
      title = "Backward"; where = "the seed";
      lines = [line("", [derivative(l.output, l.output), sign("="), number("1")])];
      pill = ["0 → 1", "grad of " + l.output];
      spoken = `Backward starts: the gradient of ${l.output} by itself is 1.`;
    } else {
      const flow = l.steps[p - F - 2], { tail, head } = flow;
      const seeded = tail === l.seed ? 1 : 0;
      const text = (cell, k) => (k ? cell.states[k - 1].textContent.replace("∇ ", "") : "0");
      const up = text(head, head.states.length), before = text(tail, seeded + flow.nth - 1), after = text(tail, seeded + flow.nth);
      title = "Backward"; where = `${p - F - 1} of ${B}`;
      lines = l.name === "layer" ? layerLines(l, flow, up) : valueLines(l, flow, up);
      const uses = tail.uses > 1 ? `${flow.nth} of ${tail.uses} contributions` : "only contribution";
      pill = [`${before} → ${after}`, `grad of ${tail.name}, ${uses}`];
      spoken = `Backward ${p - F - 1} of ${B}: ${tail.name} receives ${up} times ${flow.local} = ${flow.contribution}; its`
        + ` gradient goes from ${before} to ${after}.`;
    }
    $("tell").className = "tell " + part;
    phase.replaceChildren(Object.assign(document.createElement("b"), { textContent: title }), where);
    sums.replaceChildren(...lines);
    change.replaceChildren();
    if (pill.length) {
      change.append(pill[0], Object.assign(document.createElement("small"), { textContent: pill[1] }));
    }
    $("live").textContent = spoken;
    $("slider").max = l.last;
    $("slider").value = p;
    $("slider").setAttribute("aria-valuetext", `${title} ${where}`);
    $("count").textContent = `${p} / ${l.last}`;
    for (const id of ["first", "back"]) $(id).disabled = p === 0;
    for (const id of ["next", "final"]) $(id).disabled = p === l.last;
    clearTimeout(writing);
    writing = ready && setTimeout(write, ADDRESS_AFTER);
  }

  // Changing the address costs more than a step, so it waits until the steps pause.
  function write() {
    const hash = "#step=" + level.p + (levels.length > 1 && level !== levels[0] ? "&level=" + level.name : "");
    if (hash !== location.hash && (level.p || location.hash)) {
      try { history.replaceState(null, "", hash); } catch { /* a sandboxed frame has no address of its own */ }
    }
  }

  // --- levels, zoom, search, play ----------------------------------------------------------------

  function choose(l) {
    pause();
    level = l;
    for (const other of levels) other.picture.classList.toggle("shown", other === l);
    document.querySelectorAll(".segments button").forEach((button, k) => button.setAttribute("aria-pressed", levels[k] === l));
    if (!l.zoom) fit(); else zoom(l.zoom);
    clip();
    find();
    move(l.p);
  }

  function zoom(z) {
    level.zoom = Math.max(0.1, Math.min(4, z));
    level.svg.setAttribute("width", level.width * level.zoom);
    level.svg.setAttribute("height", level.height * level.zoom);
    clip();
  }

  // Of a large picture show no more than what is seen and a little around it. A browser would paint far more than that,
  // and anew whenever a step leads far away.
  function clip() {
    const { picture } = level;
    if (!level.large) return;
    const left = stage.scrollLeft - picture.offsetLeft - AROUND, top = stage.scrollTop - picture.offsetTop - AROUND;
    const right = picture.offsetWidth - left - stage.clientWidth - 2 * AROUND;
    const bottom = picture.offsetHeight - top - stage.clientHeight - 2 * AROUND;
    picture.style.clipPath = `inset(${top}px ${right}px ${bottom}px ${left}px)`;
  }

  function fit() {
    const room = Math.min((stage.clientWidth - 20) / level.width, (stage.clientHeight - 20) / level.height);
    zoom(Math.max(0.8, Math.min(1.4, room)));
  }

  function zoomAt(z, x, y) {
    const old = level.zoom, left = (stage.scrollLeft + x) / old, top = (stage.scrollTop + y) / old;
    zoom(z);
    stage.scrollTo({ left: left * level.zoom - x, top: top * level.zoom - y, behavior: "instant" });
  }
  const zoomBy = (factor) => zoomAt(level.zoom * factor, stage.clientWidth / 2, stage.clientHeight / 2);

  // A part of a name finds a box, and so does the beginning of its operation, such as "tanh" or "mul".
  const found = (cell, wanted) =>
    cell.name.toLowerCase().includes(wanted) || cell.keywords.some((keyword) => keyword.startsWith(wanted));

  function find() {
    const wanted = $("search").value.trim().toLowerCase();
    hits = wanted ? level.cells.filter((cell) => found(cell, wanted)) : [];
    hit = -1;
    stage.classList.toggle("searching", wanted !== "");
    for (const cell of level.cells) cell.box.classList.toggle("hit", hits.includes(cell));
    $("found").textContent = wanted ? `${hits.length} found` : "";
    if (hits.length) look(hits[0]);
  }

  function pause() {
    if (!timer) return;
    clearInterval(timer);
    timer = 0;
    $("play").setAttribute("aria-label", "Play");
    $("play").firstElementChild.firstElementChild.setAttribute("d", data.icons.play);
  }

  function play() {
    if (level.p === level.last) move(0);
    timer = setInterval(() => {
      move(level.p + 1);
      if (level.p === level.last) pause();
    }, 1000 / Number($("speed").value));
    $("play").setAttribute("aria-label", "Pause");
    $("play").firstElementChild.firstElementChild.setAttribute("d", data.icons.pause);
  }

  function theme() {
    const dark = root.classList.contains("dark")
      || (!root.classList.contains("light") && matchMedia("(prefers-color-scheme: dark)").matches);
    root.classList.remove("dark", "light");
    root.classList.add(dark ? "light" : "dark");
  }

  function read() {
    const wanted = new URLSearchParams(location.hash.slice(1));
    const named = levels.find((l) => l.name === wanted.get("level"));
    if (named && named !== level) choose(named);
    const p = Number.parseInt(wanted.get("step"), 10);
    if (Number.isInteger(p) && p !== level.p) move(p);
  }

  const go = (change) => { pause(); move(change); };
  const actions = {
    ArrowRight: () => go(level.p + 1), ArrowLeft: () => go(level.p - 1), Home: () => go(0), End: () => go(level.last),
    PageDown: () => go(level.p + 10), PageUp: () => go(level.p - 10),
    " ": () => (timer ? pause() : play()), "+": () => zoomBy(1.25), "-": () => zoomBy(0.8), 0: fit,
    "/": () => $("search").focus(), t: theme,
  };
  levels.forEach((l, k) => { actions[k + 1] = () => choose(l); });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.matches("input[type=search], select");
    if (event.key === "Escape" && event.target === $("search")) {
      $("search").value = "";
      find();
      event.target.blur();
    } else if (event.key === "Enter" && event.target === $("search") && hits.length) {
      hit = (hit + 1) % hits.length;
      look(hits[hit]);
    } else if (!typing && !(event.key === " " && event.target.matches("button, summary")) && actions[event.key]) {
      event.preventDefault();
      actions[event.key]();
    }
  });
  $("first").onclick = () => go(0);
  $("back").onclick = () => go(level.p - 1);
  $("next").onclick = () => go(level.p + 1);
  $("final").onclick = () => go(level.last);
  $("play").onclick = () => (timer ? pause() : play());
  $("speed").onchange = () => { if (timer) { pause(); play(); } };
  $("slider").oninput = (event) => go(Number(event.target.value));
  $("search").oninput = find;
  $("theme").onclick = theme;
  $("in").onclick = () => zoomBy(1.25);
  $("out").onclick = () => zoomBy(0.8);
  $("fit").onclick = fit;
  document.querySelectorAll(".segments button").forEach((button, k) => { button.onclick = () => choose(levels[k]); });
  addEventListener("hashchange", read);
  addEventListener("resize", clip);
  stage.addEventListener("scroll", clip, { passive: true });
  stage.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const box = stage.getBoundingClientRect();
    zoomAt(level.zoom * Math.exp(-event.deltaY / 300), event.clientX - box.left, event.clientY - box.top);
  }, { passive: false });
  let drag = null;
  stage.addEventListener("pointerdown", (event) => {
    if (event.button || event.target.closest("button")) return;
    drag = { x: event.clientX, y: event.clientY, left: stage.scrollLeft, top: stage.scrollTop, moved: false };
  });
  addEventListener("pointermove", (event) => {
    if (!drag) return;
    drag.moved ||= Math.hypot(event.clientX - drag.x, event.clientY - drag.y) > 4;
    if (!drag.moved) return;
    stage.classList.add("drag");
    stage.scrollTo({ left: drag.left + drag.x - event.clientX, top: drag.top + drag.y - event.clientY, behavior: "instant" });
  });
  addEventListener("pointerup", (event) => {
    const box = drag && !drag.moved && event.target.closest && event.target.closest(".b");
    drag = null;
    stage.classList.remove("drag");
    if (!box) return;
    const l = level, k = l.cells.findIndex((cell) => cell.box === box);
    const last = l.steps.findLastIndex((flow) => flow.tail === l.cells[k]);
    if (last >= 0) go(l.results.length + 2 + last);
    else if (l.cells[k] === l.seed) go(l.results.length + 1);
  });

  root.classList.add("js");
  for (const l of levels) {
    for (const cell of l.cells) {
      for (const state of cell.states) state.classList.remove("on");
      cell.box.classList.toggle("f", !l.results.includes(cell));
      for (const edge of cell.into) turn(edge, false);
    }
  }
  choose(levels[0]);
  read();
  ready = true;
})();
