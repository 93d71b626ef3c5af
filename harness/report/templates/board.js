"use strict";
/* The board: trends of the system that is chosen, and which runs the table lists. Data becomes text and chart values only. */
(() => {
  const byId = (id) => document.getElementById(id);
  const element = (name, text = "", attributes = {}) => {
    const made = document.createElement(name);
    made.textContent = text;
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  };

  /* Runs: a row is listed when every choice fits it; the first hundred, until all are asked for. */
  const table = byId("run-table");
  if (table) {
    const COLUMNS = { "run-manifest": 1, "run-system": 2, "run-policy": 3 };
    const AT_FIRST = 100;
    const body = table.querySelector("tbody");
    const told = new Map([...body.rows].map((row) => [row, {
      text: row.textContent.toLowerCase(),
      cells: Object.fromEntries(Object.entries(COLUMNS).map(([id, column]) => {
        const cell = row.cells[column];
        return [id, id === "run-policy" ? cell.textContent.trim() : cell.dataset.sort ?? cell.textContent.trim()];
      })),
    }]));
    const [count, more] = [byId("run-count"), byId("run-more")];
    const all = count.textContent;
    let isWhole = false;
    const list = () => {
      const wanted = byId("run-text").value.trim().toLowerCase();
      const chosen = Object.keys(COLUMNS).map((id) => [id, byId(id).value]).filter(([, value]) => value);
      let fitting = 0;
      for (const row of body.rows) {
        const { text, cells } = told.get(row);
        const fits = text.includes(wanted) && chosen.every(([id, value]) => cells[id] === value);
        fitting += fits;
        row.hidden = !fits || (!isWhole && fitting > AT_FIRST);
      }
      more.hidden = fitting <= AT_FIRST || isWhole;
      more.textContent = `Show ${fitting - AT_FIRST} more`;
      count.textContent = fitting === told.size ? all : `${fitting} of ${all}`;
    };
    byId("run-choices").addEventListener("input", list);
    byId("run-choices").addEventListener("submit", (event) => event.preventDefault());
    more.addEventListener("click", () => { isWhole = true; list(); });
    document.addEventListener("click", (event) => { if (event.target.closest("#run-table th button")) list(); });
    addEventListener("beforeprint", () => { isWhole = true; list(); });
    list();
  }

  /* Trends: lists over the runs of a track become records of the chart's data set, and rows of the table. */
  const data = byId("data-board");
  if (!data) return;
  const tracks = JSON.parse(data.textContent).tracks;
  const spec = JSON.parse(byId("chart-trends").textContent);
  const [trackChoice, dimensionChoice, measureChoice, lengthChoice] =
    ["track", "dimension", "measure", "length"].map((name) => byId(`trend-${name}`));
  const VERDICTS = { d: "disparity", a: "advantage", w: "within_margin", i: "inconclusive", f: "insufficient" };
  const FIRST = 12; // panels, until more are asked for
  const PANEL = 250; // pixels, at least, where there is room for two
  const AXIS = 58; // pixels of the vertical axis
  const SPACE = 18; // pixels between panels
  const BEYOND = 1.5; // how far past the values the scale follows an interval
  let isAll = false;

  const percent = (value) => `${(value / 100).toFixed(1)} %`;
  const points = (value) => `${value > 0 ? "+" : value < 0 ? "-" : "+"}${Math.abs(value / 100).toFixed(1)}`;
  const isGap = () => measureChoice.value === "gap";
  const shown = (value) => (value === null || value === undefined ? "–" : isGap() ? points(value) : percent(value));
  const interval = (low, high) => {
    if (low === null || high === null) return "–";
    return isGap() ? `${points(low)} to ${points(high)}` : `${(low / 100).toFixed(1)} to ${percent(high)}`;
  };
  const when = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ");
  const counted = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;
  const words = (letter) => (VERDICTS[letter] ?? "no verdict").replaceAll("_", " ");

  const track = () => tracks[Number(trackChoice.value)];
  const dimension = () => track().dimensions[Number(dimensionChoice.value)];
  const firstRun = () => Math.max(0, track().times.length - Number(lengthChoice.value));

  /* A slice's runs under the measure: those of one line are comparable. */
  const runsOf = (slice) => {
    const [values, lows, highs] = isGap() ? [slice.gap, slice.gap_low, slice.gap_high] : [slice.wer, slice.wer_low, slice.wer_high];
    if (!values) return [];
    const found = [];
    const seen = new Set();
    values.forEach((value, place) => {
      if (value === null || place < firstRun()) return;
      const against = isGap() && slice.against ? slice.against[place] : 0;
      const line = `${track().series[place]} ${against}`;
      const before = found.at(-1);
      let changed = track().changed[place] ?? "";
      if (!changed && before && !seen.has(line)) changed = against === before.against ? "not comparable" : "comparator";
      if (!before) changed = "";
      seen.add(line);
      found.push({ place, value, low: lows?.[place] ?? null, high: highs?.[place] ?? null, against, line, changed, letter: slice.verdicts[place] });
    });
    return found;
  };

  const panels = () => dimension().slices.map((slice) => ({ slice, runs: runsOf(slice) })).filter(({ runs }) => runs.length);
  const labelled = (all) => {
    const used = new Set();
    return all.map(({ slice, runs }) => {
      let label = `${slice.name}  ${shown(runs.at(-1).value)}`;
      while (used.has(label)) label += "\u00a0";
      used.add(label);
      return { slice, runs, label };
    });
  };

  const scale = (all) => {
    const runs = all.flatMap((panel) => panel.runs);
    const values = runs.map((run) => run.value);
    const [least, most] = [Math.min(...values, isGap() ? 0 : Infinity), Math.max(...values, isGap() ? 0 : -Infinity)];
    const room = Math.max(BEYOND * (most - least), Math.abs(most), Math.abs(least), 300);
    const lows = runs.map((run) => run.low ?? run.value);
    const highs = runs.map((run) => run.high ?? run.value);
    const [low, high] = [Math.max(Math.min(...lows), least - room), Math.min(Math.max(...highs), most + room)];
    const isCut = lows.some((value) => value < low) || highs.some((value) => value > high);
    const margin = 0.04 * (high - low || 100);
    return { lowest: (low - margin) / 100, highest: (high + margin) / 100, isCut };
  };

  const records = (all) => all.flatMap(({ slice, runs, label }, rank) => runs.map((run) => ({
    panel: label, rank, time: track().times[run.place] * 1000, value: run.value / 100,
    low: run.low === null ? null : run.low / 100, high: run.high === null ? null : run.high / 100,
    line: run.line, verdict: VERDICTS[run.letter] ?? null, changed: run.changed,
    when: when(track().times[run.place]), shown: shown(run.value) + (isGap() ? " points" : ""), interval: interval(run.low, run.high),
    judged: words(run.letter) + (isGap() && slice.comparators.length ? `, against ${slice.comparators[run.against ?? 0]}` : ""),
  })));

  let drawing = Promise.resolve();
  let drawn = null;
  const draw = (all) => {
    const place = byId("trend-drawing");
    const width = place.clientWidth - AXIS;
    const columns = Math.max(1, Math.min(all.length, Math.floor((width + SPACE) / (PANEL + SPACE))));
    const { lowest, highest, isCut } = scale(all);
    const filled = structuredClone(spec);
    filled.datasets.points = records(all);
    filled.columns = columns;
    filled.spec.width = Math.floor((width - (columns - 1) * SPACE) / columns);
    filled.params = [{ name: "lowest", value: lowest }, { name: "highest", value: highest }];
    const options = {
      actions: false, ast: true, renderer: "svg", mode: "vega-lite", logLevel: window.vegaEmbed.vega?.Error ?? 1,
      defaultStyle: false, tooltip: { disableDefaultStyle: true },
    };
    drawing = drawing.then(async () => {
      drawn?.finalize();
      drawn = null;
      try {
        drawn = await window.vegaEmbed(place.firstElementChild, filled, options);
      } catch (error) {
        place.firstElementChild.textContent = "The trends cannot be drawn here; the table says the same.";
        console.error(error);
      }
      place.dataset.drawn = String(all.length);
    });
    return isCut;
  };

  const fillTable = (all) => {
    const grid = byId("trend-table");
    grid.caption.textContent = `${track().manifest}, ${track().system}: ${isGap() ? "gap in points" : "WER"} by ${dimension().name}, worst trend first`;
    const body = grid.tBodies[0];
    body.replaceChildren(...all.map(({ slice, runs }) => {
      const newest = runs.at(-1);
      const comparable = runs.filter((run) => run.line === newest.line);
      const row = element("tr");
      const cells = [
        [slice.name, null], [shown(newest.value), newest.value], [interval(newest.low, newest.high), newest.low],
        [words(newest.letter), null], [shown(comparable.at(-2)?.value), comparable.at(-2)?.value],
        [shown(comparable[0].value), comparable[0].value], [String(comparable.length), comparable.length],
      ];
      cells.forEach(([text, value], column) => {
        const cell = element("td", text);
        if (![0, 3].includes(column)) { cell.className = "n"; cell.dataset.sort = value ?? ""; }
        row.append(cell);
      });
      return row;
    }));
    grid.querySelectorAll("th[aria-sort]").forEach((header) => header.removeAttribute("aria-sort"));
  };

  const show = () => {
    const all = labelled(panels());
    const few = all.filter(({ slice }) => !slice.few);
    const first = (few.length ? few : all).slice(0, FIRST);
    const drawnPanels = isAll ? all : first;
    const more = byId("trend-more");
    more.hidden = all.length === first.length;
    more.textContent = isAll ? "Show fewer" : `Show ${all.length - first.length} more, with those of too few people`;
    if (!more.hidden && !isAll && all.length - first.length === few.length - first.length) more.textContent = `Show ${all.length - first.length} more`;
    const caption = [];
    if (!all.length) {
      byId("trend-drawing").firstElementChild.textContent = "No slice of this dimension has this measure.";
    } else {
      const isCut = draw(drawnPanels);
      caption.push(`${isGap() ? "Gap in points" : "WER in percent"} by ${dimension().name}, ${counted(track().times.length - firstRun(), "run")}.`);
      if (isCut) caption.push("Intervals that end at a panel's edge go on beyond it.");
      const breaks = Object.entries(track().changed).filter(([place]) => Number(place) > firstRun());
      if (breaks.length) caption.push(`Not comparable with what was before: ${breaks.map(([place, what]) => `${when(track().times[place])} (${what} changed)`).join(", ")}.`);
      const hidden = dimension().n_slices - dimension().slices.length;
      if (hidden) caption.push(`${counted(hidden, "slice")} with smaller changes or too few people: see the run's own files.`);
    }
    byId("trend-caption").textContent = caption.join(" ");
    fillTable(all);
  };

  const fill = (choice, options) => choice.replaceChildren(...options.map(([text, value]) => element("option", text, { value })));
  const fillDimensions = () => {
    fill(dimensionChoice, track().dimensions.map(({ name }, place) => [name, place]));
    const n = track().times.length;
    const lengths = [14, 30, 90, 365].filter((length) => length < n);
    fill(lengthChoice, [...lengths.map((length) => [`newest ${length}`, length]), [n === 1 ? "the only one" : `all ${n}`, n]]);
    lengthChoice.value = lengths.includes(90) ? 90 : n;
  };
  const named = ({ manifest, system, violated }) => `${manifest} · ${system}${violated ? " (violated)" : ""}`;
  fill(trackChoice, tracks.map((each, place) => [named(each), place]));
  trackChoice.value = 0;
  fillDimensions();
  trackChoice.addEventListener("change", () => { isAll = false; fillDimensions(); show(); });
  dimensionChoice.addEventListener("change", () => { isAll = false; show(); });
  [measureChoice, lengthChoice].forEach((choice) => choice.addEventListener("change", show));
  byId("trend-choices").addEventListener("submit", (event) => event.preventDefault());
  byId("trend-more").addEventListener("click", () => { isAll = !isAll; show(); });
  let wide = byId("trend-drawing").clientWidth;
  addEventListener("resize", () => {
    const now = byId("trend-drawing").clientWidth;
    if (now && now !== wide) { wide = now; show(); }
  });
  show();
})();
