"use strict";
(() => {
  const NS = "http://www.w3.org/2000/svg";
  const root = document.documentElement;
  const node = (name, attributes, parent) => {
    const made = document.createElementNS(NS, name);
    for (const key in attributes) made.setAttribute(key, attributes[key]);
    if (parent) parent.append(made);
    return made;
  };
  const button = (text, label, action) => {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    made.title = label;
    made.setAttribute("aria-label", label);
    made.addEventListener("click", action);
    return made;
  };
  const instant = (ms) => `T${ms < 0 ? "-" : "+"}${(Math.abs(ms) / 1000).toFixed(3)} s`;
  const micros = (us) => us >= 1e6 ? `${(us / 1e6).toFixed(2)} s` : us >= 1000 ? `${(us / 1000).toFixed(us < 1e4 ? 1 : 0)} ms` : `${us} µs`;

  // Light and dark: the reader's choice stands over the system's.
  const store = { get: () => { try { return localStorage.getItem("redquake-theme"); } catch { return null; } }, set: (v) => { try { localStorage.setItem("redquake-theme", v); } catch { /* Not allowed for files everywhere. */ } } };
  if (store.get()) root.dataset.theme = store.get();
  document.getElementById("tools").append(button("Light / dark", "Change between light and dark", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    store.set(root.dataset.theme);
  }));
  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((one) => { one.open = true; }));

  // A chart whose time axis can be stretched: the places written by the renderer are kept and mapped anew.
  class Chart {
    constructor(figure) {
      this.figure = figure;
      this.svg = figure.querySelector("svg.tl");
      this.scroll = figure.querySelector(".scroll");
      const data = this.svg.dataset;
      [this.from, this.to, this.left, this.right, this.bottom] = [data.from, data.to, data.left, data.right, data.bottom].map(Number);
      // The renderer writes hundredths of milliseconds as milliseconds.
      this.view = [this.from, this.to];
      this.ready = false;
      const bar = document.createElement("div");
      bar.className = "bar";
      bar.append(
        button("−", "Zoom out", () => this.zoom(2)), button("+", "Zoom in", () => this.zoom(0.5)),
        button("◀", "Earlier", () => this.pan(-0.3)), button("▶", "Later", () => this.pan(0.3)),
        button("Reset zoom", "Show everything", () => this.show(this.from, this.to)), "Drag over a span to zoom in; double-click shows everything.");
      this.scroll.before(bar);
      this.tip = document.createElement("div");
      this.tip.className = "tip";
      this.tip.hidden = true;
      figure.append(this.tip);
      this.svg.classList.add("live");
      this.svg.addEventListener("pointermove", (event) => this.move(event));
      this.svg.addEventListener("pointerleave", () => this.leave());
      this.svg.addEventListener("pointerdown", (event) => this.press(event));
      this.svg.addEventListener("pointerup", (event) => this.release(event));
      this.svg.addEventListener("dblclick", () => this.show(this.from, this.to));
      this.scroll.addEventListener("keydown", (event) => this.key(event));
    }

    prepare() {
      if (this.ready) return;
      this.ready = true;
      this.data = JSON.parse(this.figure.querySelector(".tl-data").textContent);
      // Column and count alternate.
      for (const work of this.data) work.why = work.why.map(([name, pairs]) => [name, new Map(pairs.flatMap((at, n) => n % 2 ? [] : [[at, pairs[n + 1]]]))]);
      // The read-out tells the titles; the browser's own tooltips would cover it.
      const named = this.svg.querySelector(":scope > title");
      this.svg.setAttribute("aria-label", named.textContent);
      this.svg.removeAttribute("aria-labelledby");
      named.remove();
      const group = this.svg.querySelector(".z");
      this.items = [...group.children].map((el) => {
        const title = el.querySelector("title");
        const number = (name) => Number(el.getAttribute(name));
        // Of the reasons' lanes the read-out tells the exact counts instead.
        const item = { el, title: title && !el.hasAttribute("opacity") ? title.textContent : "" };
        if (title) title.remove();
        if (el.tagName === "rect") Object.assign(item, { kind: "rect", a: number("x"), b: number("x") + number(el.hasAttribute("data-w") ? "data-w" : "width"), least: el.hasAttribute("data-w") ? 2 : 0.8 });
        else if (el.tagName === "line") Object.assign(item, { kind: "line", a: number("x1"), b: number("x2") });
        else if (el.tagName === "text") Object.assign(item, { kind: "text", a: number("x"), b: number("data-to") || 0 });
        else {
          const parts = el.getAttribute("d").match(/[MHVZ][^MHVZ]*/g) || [];
          const places = parts.filter((part) => part[0] === "M" || part[0] === "H").map((part) => parseFloat(part.slice(1)));
          Object.assign(item, { kind: "path", parts, a: Math.min(...places), b: Math.max(...places) });
        }
        return item;
      });
      this.cross = node("line", { class: "cross", y1: 0, y2: this.bottom, visibility: "hidden" }, this.svg);
      this.select = node("rect", { class: "sel", y: 0, height: this.bottom, visibility: "hidden" }, this.svg);
      this.here = node("line", { class: "here", y1: 0, y2: this.bottom, visibility: "hidden" }, this.svg);
    }

    time(place) { return this.view[0] + (place - this.left) / (this.right - this.left) * (this.view[1] - this.view[0]); }
    place(time) { return this.left + (time - this.view[0]) / (this.view[1] - this.view[0]) * (this.right - this.left); }

    // From a place as drawn by the renderer to the place in the present view.
    map(place) {
      const time = this.from + (place - this.left) / (this.right - this.left) * (this.to - this.from);
      return this.place(time);
    }

    show(from, to) {
      this.prepare();
      const least = 2;
      let span = Math.min(Math.max(to - from, least), this.to - this.from);
      from = Math.min(Math.max(from, this.from), this.to - span);
      this.view = [from, from + span];
      const cut = (value) => Math.round(Math.min(Math.max(value, -1e4), 2e4) * 100) / 100;
      for (const item of this.items) {
        const { el } = item;
        if (item.kind === "rect") {
          const start = cut(this.map(item.a));
          el.setAttribute("x", start);
          el.setAttribute("width", Math.max(cut(this.map(item.b)) - start, item.least));
        } else if (item.kind === "line") {
          el.setAttribute("x1", cut(this.map(item.a)));
          el.setAttribute("x2", cut(this.map(item.b)));
        } else if (item.kind === "text") {
          let place = this.map(item.a);
          // The name of a bar stays in sight while the bar is.
          if (item.b) place = Math.max(place, Math.min(this.left, this.map(item.b) - 70));
          el.setAttribute("x", cut(place));
        } else {
          el.setAttribute("d", item.parts.map((part) => {
            if (part[0] === "H") return "H" + cut(this.map(parseFloat(part.slice(1))));
            if (part[0] !== "M") return part;
            const [x, y] = part.slice(1).split(" ");
            return `M${cut(this.map(parseFloat(x)))} ${y}`;
          }).join(""));
        }
      }
      if (this.marked !== undefined) this.mark(this.marked);
      this.axis();
    }

    axis() {
      const group = this.svg.querySelector(".axis");
      group.replaceChildren();
      const wanted = (this.view[1] - this.view[0]) / 1000 / 13;
      const power = 10 ** Math.floor(Math.log10(wanted));
      const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((one) => one >= wanted * 0.999999);
      const digits = Math.max(0, Math.ceil(-Math.log10(power) - 1e-9) + (step / power === 2.5 ? 1 : 0));
      for (let n = Math.ceil(this.view[0] / 1000 / step - 1e-9); n * step * 1000 <= this.view[1] + 1e-6; n += 1) {
        const x = this.place(n * step * 1000);
        node("line", { class: "gr", x1: x, x2: x, y1: 4, y2: this.bottom }, group);
        const last = x > this.right - 16;
        node("text", { class: "ax", "text-anchor": last ? "end" : "middle", x: last ? this.right : x, y: this.bottom + 14 }, group).textContent = `T${n * step < -1e-12 ? "-" : "+"}${Math.abs(n * step).toFixed(digits)} s`;
      }
    }

    zoom(factor) {
      const middle = (this.view[0] + this.view[1]) / 2;
      const half = (this.view[1] - this.view[0]) / 2 * factor;
      this.show(middle - half, middle + half);
    }

    pan(share) {
      const by = (this.view[1] - this.view[0]) * share;
      this.show(this.view[0] + by, this.view[1] + by);
    }

    mark(at) {
      this.prepare();
      this.marked = at;
      const x = this.place(at);
      const inside = x >= this.left && x <= this.right;
      this.here.setAttribute("visibility", inside ? "visible" : "hidden");
      if (inside) { this.here.setAttribute("x1", x); this.here.setAttribute("x2", x); }
    }

    cursor(event) {
      const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.svg.getScreenCTM().inverse());
      return Math.min(Math.max(point.x, this.left), this.right);
    }

    press(event) {
      if (event.button !== 0 || event.pointerType === "touch") return;
      this.prepare();
      this.begun = this.cursor(event);
      this.svg.setPointerCapture(event.pointerId);
    }

    release(event) {
      if (this.begun === undefined) return;
      const [a, b] = [this.begun, this.cursor(event)].sort((x, y) => x - y);
      this.begun = undefined;
      this.select.setAttribute("visibility", "hidden");
      if (b - a > 6) this.show(this.time(a), this.time(b));
    }

    leave() {
      if (!this.ready) return;
      this.tip.hidden = true;
      this.cross.setAttribute("visibility", "hidden");
    }

    move(event) {
      this.prepare();
      const x = this.cursor(event);
      this.cross.setAttribute("x1", x);
      this.cross.setAttribute("x2", x);
      this.cross.setAttribute("visibility", "visible");
      if (this.begun !== undefined) {
        this.select.setAttribute("x", Math.min(x, this.begun));
        this.select.setAttribute("width", Math.abs(x - this.begun));
        this.select.setAttribute("visibility", "visible");
      }
      this.tell(x, event);
    }

    tell(x, event) {
      const at = this.time(x);
      const lines = [[instant(at), "t"]];
      for (const work of this.data) {
        const index = Math.floor((at - work.at) / work.w);
        if (index < 0 || index >= work.ok.length) continue;
        const [ok, held, fail, info] = [work.ok, work.held, work.fail, work.info].map((list) => list[index]);
        const counts = [`${ok} ok`, held && `${held} held`, fail && `${fail} failed`, info && `${info} unknown`].filter(Boolean).join(", ");
        const busy = ok + held + fail + info > 0;
        lines.push([`${work.name}: ${counts} in ${work.w} ms${busy ? `, latency ${micros(work.lo[index])} to ${micros(work.hi[index])}` : ""}`, ""]);
        const why = work.why.filter(([, counts]) => counts.has(index)).map(([name, counts]) => `${counts.get(index)} ${name}`);
        if (why.length) lines.push([`${work.name}, why: ${why.join(", ")}`, ""]);
      }
      for (const item of this.items) {
        if (!item.title) continue;
        const [a, b] = [this.map(item.a), this.map(item.b)];
        if (x >= a - 3 && x <= b + 3) lines.push(...item.title.split("\n").map((line) => [line, ""]));
      }
      const seen = new Set();
      this.tip.replaceChildren(...lines.filter(([text]) => !seen.has(text) && seen.add(text)).slice(0, 16).map(([text, name]) => {
        const made = document.createElement("p");
        made.className = name;
        made.textContent = text;
        return made;
      }));
      this.tip.hidden = false;
      const box = this.figure.getBoundingClientRect();
      const left = event.clientX - box.left;
      const width = this.tip.offsetWidth;
      this.tip.style.left = `${left + 18 + width > box.width ? Math.max(left - width - 18, 0) : left + 18}px`;
      this.tip.style.top = `${Math.max(Math.min(event.clientY - box.top + 14, box.height - this.tip.offsetHeight), 0)}px`;
    }

    key(event) {
      const actions = { "+": () => this.zoom(0.5), "-": () => this.zoom(2), ArrowLeft: () => this.pan(-0.2), ArrowRight: () => this.pan(0.2), Home: () => this.show(this.from, this.to) };
      const action = actions[event.key];
      if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      action();
    }
  }

  const charts = new Map();
  document.querySelectorAll("figure.chart").forEach((figure) => {
    const chart = new Chart(figure);
    charts.set(chart.svg.id, chart);
  });

  // From an anomaly to its place on the time axis.
  document.querySelectorAll("a.jump").forEach((link) => link.addEventListener("click", (event) => {
    const chart = charts.get(`t${link.dataset.trial}`);
    if (!chart) return;
    event.preventDefault();
    const details = chart.figure.closest("details");
    if (details) details.open = true;
    const at = Number(link.dataset.at);
    chart.mark(at);
    chart.show(at - 500, at + 500);
    chart.figure.scrollIntoView({ block: "start" });
    chart.scroll.focus({ preventScroll: true });
  }));
})();
