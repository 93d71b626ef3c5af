"use strict";
/* Sorting, charts, and which section is read. Data becomes text nodes and chart values only, never markup. */
(() => {
  const each = (selector, action, root = document) => root.querySelectorAll(selector).forEach(action);

  /* Tables: a header's button sorts by its column, first the way that is asked for most; cells without a value last. */
  const sortValue = (row, column) => {
    const cell = row.cells[column];
    const told = cell.dataset.sort ?? cell.textContent.trim();
    if (told === "") return null;
    return cell.classList.contains("n") ? Number(told.replaceAll(",", "")) : told;
  };
  const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  const compared = (one, other) => (typeof one === "number" ? one - other : collator.compare(one, other));
  const sort = (header) => {
    const column = header.cellIndex;
    const body = header.closest("table").tBodies[0];
    const wasSorted = header.getAttribute("aria-sort");
    const first = header.classList.contains("n") ? "descending" : "ascending";
    const other = first === "ascending" ? "descending" : "ascending";
    const order = wasSorted === first ? other : first;
    const sign = order === "ascending" ? 1 : -1;
    const rows = [...body.rows].map((row, place) => ({ row, place, value: sortValue(row, column) }));
    rows.sort((a, b) => {
      if (a.value === null || b.value === null) return (a.value === null) - (b.value === null) || a.place - b.place;
      return sign * compared(a.value, b.value) || a.place - b.place;
    });
    each("th[aria-sort]", (sorted) => sorted.removeAttribute("aria-sort"), header.parentElement);
    header.setAttribute("aria-sort", order);
    body.append(...rows.map((sorted) => sorted.row));
  };
  document.addEventListener("click", (event) => {
    const header = event.target.closest("table.sortable thead th");
    if (header && event.target.closest("button")) sort(header);
  });

  /* Charts: Vega-Lite under its expression interpreter, for the policy allows no eval; `var(--name)` is a colour. */
  const coloured = (value, styles) => {
    if (typeof value === "string") {
      const name = /^var\((--[a-z0-9-]+)\)$/.exec(value);
      return name ? styles.getPropertyValue(name[1]).trim() || value : value;
    }
    if (Array.isArray(value)) return value.map((item) => coloured(item, styles));
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, coloured(item, styles)]));
  };
  const drawn = new Map();
  const draw = async (figure) => {
    const spec = JSON.parse(document.getElementById(figure.dataset.chart).textContent);
    const place = figure.querySelector(".drawing > div");
    drawn.get(figure)?.finalize();
    const options = {
      actions: false, ast: true, renderer: "svg", mode: "vega-lite", logLevel: window.vegaEmbed.vega?.Error ?? 1,
      defaultStyle: false, tooltip: { disableDefaultStyle: true }, config: { autosize: { type: "fit-x", contains: "padding" } },
    };
    try {
      drawn.set(figure, await window.vegaEmbed(place, coloured(spec, getComputedStyle(document.documentElement)), options));
    } catch (error) {
      place.textContent = "This chart cannot be drawn here; its table says the same.";
      console.error(error);
    }
  };
  const breath = () => new Promise((done) => { setTimeout(done); });
  const drawAll = async (between) => {
    for (const figure of document.querySelectorAll("figure[data-chart]")) {
      await draw(figure);
      if (between) await between(); /* what is drawn is seen before the next is begun */
    }
  };
  if (window.vegaEmbed) {
    document.documentElement.dataset.charts = "drawing";
    drawAll(breath).then(() => { document.documentElement.dataset.charts = "drawn"; });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawAll(breath));
    matchMedia("print").addEventListener("change", () => drawAll());
  }

  /* Paper shows what is folded on the screen. */
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    folded.forEach((details) => { details.open = true; });
  });
  addEventListener("afterprint", () => folded.forEach((details) => { details.open = false; }));

  /* A link to something folded unfolds it. */
  const unfold = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const details = target && (target.closest("details") ?? target.querySelector(":scope > details"));
    if (details) details.open = true;
  };
  addEventListener("hashchange", unfold);
  document.addEventListener("click", (event) => { if (event.target.closest('a[href^="#"]')) setTimeout(unfold); });
  unfold();

  /* The rail marks the section that is read. */
  const links = new Map([...document.querySelectorAll(".rail a")].map((link) => [link.hash.slice(1), link]));
  const mark = () => {
    const read = [...links.keys()].map((id) => document.getElementById(id)).filter(Boolean)
      .findLast((section) => section.getBoundingClientRect().top < innerHeight * 0.35);
    links.forEach((link, id) => {
      if (read && id === read.id) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    });
  };
  if (links.size) { addEventListener("scroll", mark, { passive: true }); mark(); }
})();
