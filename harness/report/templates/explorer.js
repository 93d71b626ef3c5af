"use strict";
/* The utterance explorer: filters, sorts and pages through the columns of data-utterances, fifty rows at a time.
   Whatever comes from data becomes text nodes and attribute values, never markup, and is never a key of an object. */
(() => {
  const root = document.getElementById("explorer");
  const block = root && document.getElementById(root.dataset.from);
  if (!block) return;
  const data = JSON.parse(block.textContent);
  const PAGE = 50;
  const LONG = 70; // pairs of words shown of an utterance before it is opened,
  const AROUND = 4; // of a longer one its errors, each with this many words before and after
  const CLEAN = "clean";
  const nShown = data.kinds_of.length;
  const isWhole = nShown === data.n_rows;
  const places = Array.from({ length: nShown }, (_, place) => place);

  /* Words and numbers. */
  const grouped = new Intl.NumberFormat("en");
  const count = (number) => grouped.format(number);
  const counted = (number, one) => `${count(number)} ${one}${number === 1 ? "" : "s"}`;
  const percent = (fraction) => `${(100 * fraction).toFixed(1)} %`;
  const listed = (parts) => (parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`);
  const element = (name, className = "", ...children) => {
    const made = document.createElement(name);
    if (className) made.className = className;
    made.append(...children.filter((child) => child !== null));
    return made;
  };
  const button = (text, action) => {
    const made = element("button", "", text);
    made.type = "button";
    made.addEventListener("click", () => made.getAttribute("aria-disabled") !== "true" && action());
    return made;
  };

  /* One utterance, by its place among those in the file. */
  const errors = places.map((i) => data.substitutions[i] + data.deletions[i] + data.insertions[i]);
  const words = places.map((i) => data.hits[i] + data.substitutions[i] + data.deletions[i]);
  const rate = (i) => (words[i] ? errors[i] / words[i] : errors[i] ? Infinity : 0);
  const kindOf = (bit) => places.map((i) => ((data.kinds_of[i] >> bit) & 1) === 1);
  const failed = kindOf(data.failed_bit);
  const idOf = (i) => (data.ids === null ? `row ${count(data.rows[i])} of scores.parquet` : data.id_prefix + data.ids[i]);
  const speakerOf = (i) => (data.speakers && data.speakers.of[i] >= 0 ? data.speakers.names[data.speakers.of[i]] : null);
  const cellOf = (column, i) => {
    const cell = data.cells_of[column] ? data.cells_of[column][i] : 0;
    return data.filters[column].cells ? data.filters[column].cells[cell] : [cell];
  };
  const endOf = new Map((data.shortened ?? []).map(([place, reference, hypothesis]) => [place, { reference, hypothesis }]));

  /* The alignment as pairs of a kind, a word said and a word heard; "x" passes over a number of equal words. */
  const split = (text) => (text === "" ? [] : text.split(" "));
  const pairsOf = (i) => {
    const said = split(data.references[i]);
    if (data.edits[i] === "") return said.map((word) => ["e", word, word]);
    const heard = split(data.heard[i]);
    const pairs = [];
    let atSaid = 0;
    let atHeard = 0;
    for (const [, kind, number] of data.edits[i].matchAll(/([esdix])(\d*)/g)) {
      if (kind === "x") { pairs.push([kind, "", "", Number(number || 1)]); continue; }
      for (let n = Number(number || 1); n > 0; n -= 1) {
        const reference = kind === "i" ? "" : said[atSaid++];
        pairs.push([kind, reference, kind === "e" ? reference : kind === "d" ? "" : heard[atHeard++]]);
      }
    }
    return pairs;
  };
  const brief = (pairs) => {
    const isError = (place) => place >= 0 && place < pairs.length && "sdi".includes(pairs[place][0]);
    if (!pairs.some((_, place) => isError(place))) return pairs.slice(0, LONG);
    const isNear = (place) => Array.from({ length: 2 * AROUND + 1 }, (_, step) => place + step - AROUND).some(isError);
    const short = [];
    pairs.slice(0, 10 * LONG).forEach((pair, place) => {
      if (pair[0] !== "x" && (isNear(place) || place < AROUND)) short.push(pair);
      else if (short.at(-1)?.[0] === "x") short.push(["x", "", "", short.pop()[3] + (pair[3] ?? 1)]);
      else short.push(["x", "", "", pair[3] ?? 1]);
    });
    return short.slice(0, LONG);
  };

  /* Which rows match, and how many the whole run has. */
  const chosen = { words: "", name: "", kind: -1, values: data.filters.map(() => -1), sort: 0 };
  let searched = null;
  const searchable = () => {
    searched ??= places.map((i) => {
      if (data.references === null) return ["", ""];
      const heard = pairsOf(i).map((pair) => pair[2]).filter((word) => word !== "").join(" ");
      return [data.references[i].toLowerCase(), heard.toLowerCase()];
    });
    return searched;
  };
  const matches = () => {
    const wanted = chosen.words.toLowerCase().trim().replace(/\s+/g, " ");
    const named = chosen.name.toLowerCase().trim();
    const texts = wanted ? searchable() : null;
    return (i) =>
      (chosen.kind < 0 || ((data.kinds_of[i] >> chosen.kind) & 1) === 1) &&
      chosen.values.every((value, column) => value < 0 || cellOf(column, i).includes(value)) &&
      (!wanted || texts[i][0].includes(wanted) || texts[i][1].includes(wanted)) &&
      (!named || idOf(i).toLowerCase().includes(named) || (speakerOf(i) ?? "").toLowerCase().includes(named));
  };
  const totalOfRun = () => {
    const active = chosen.values.flatMap((value, column) => (value < 0 ? [] : [[value, column]]));
    if (chosen.kind < 0 && active.length === 0) return data.n_rows;
    if (chosen.kind < 0 && active.length === 1) return data.filters[active[0][1]].totals[active[0][0]];
    if (chosen.kind >= 0 && active.length === 0) return data.kinds[chosen.kind][1];
    if (data.totals === null) return null;
    const [numbers, kinds, ...cells] = data.totals;
    const holds = (value, column, cell) => (data.filters[column].cells ? data.filters[column].cells[cell] : [cell]).includes(value);
    return numbers.reduce((sum, number, row) => {
      const isOf = chosen.kind < 0 || ((kinds[row] >> chosen.kind) & 1) === 1;
      return isOf && active.every(([value, column]) => holds(value, column, cells[column][row])) ? sum + number : sum;
    }, 0);
  };

  const SORTS = [
    ["Most word errors", (i, j) => errors[j] - errors[i] || rate(j) - rate(i)],
    ["Highest WER", (i, j) => (rate(j) > rate(i)) - (rate(j) < rate(i)) || errors[j] - errors[i]],
    ["Longest reference", (i, j) => words[j] - words[i]],
    ["Shortest reference", (i, j) => words[i] - words[j]],
    ["Order of the run", () => 0],
  ];
  const orders = new Map();
  const ordered = () => {
    const [name, compare] = SORTS[chosen.sort];
    if (!orders.has(name)) {
      const later = (i, j) => failed[i] - failed[j] || (compare(i, j) || 0) || i - j;
      orders.set(name, [...places].sort(later));
    }
    return orders.get(name);
  };

  /* What is said before the list. */
  const about = () => {
    const said = [];
    const conditions = data.filters[0].values;
    const each = conditions.length > 1 ? ` An utterance counts under each of ${conditions.length} conditions.` : "";
    if (isWhole) said.push(`All ${counted(data.n_rows, "utterance")} of the run are here.${each}`);
    else {
      said.push(`${count(nShown)} of the run's ${count(data.n_rows)} utterances are here.${each}`);
      said.push(sampleSentence(data.sample));
    }
    if (data.redacted.length) said.push(`Without ${listed(data.redacted)}, nor ids and recordings, which may tell of them.`);
    const nShort = endOf.size;
    if (nShort) said.push(`${counted(nShort, "long utterance")} ${nShort === 1 ? "is" : "are"} shortened, to errors and the words around them; what is not here is not searched.`);
    if (data.recordings_note) said.push(data.recordings_note);
    if (data.left_out.length) {
      const named = data.left_out.slice(0, 5).map(([name, number]) => `${name} (${count(number)} values)`);
      const more = data.left_out.length - named.length;
      said.push(`No filter for ${listed(more > 0 ? [...named, `${more} more`] : named)}.`);
    }
    return said;
  };
  const sampleSentence = (sample) => {
    const part = (number, of, all, some) => (of === 0 ? null : number === of ? all : some);
    const overall = [
      part(sample.worst, sample.n_with_errors, `all ${count(sample.n_with_errors)} with errors`, `the ${count(sample.worst)} with the most errors of ${count(sample.n_with_errors)} that have any`),
      part(sample.failed, sample.n_failed, `all ${count(sample.n_failed)} that failed`, `${count(sample.failed)} of the ${count(sample.n_failed)} that failed`),
      part(sample.correct, sample.n_correct, `all ${count(sample.n_correct)} without an error`, `${count(sample.correct)} of the ${count(sample.n_correct)} without an error, drawn at random`),
    ].filter(Boolean);
    const ofSlice = [
      `its ${count(sample.worst_of_slice)} worst`,
      sample.n_failed ? `${count(sample.failed_of_slice)} that failed` : null,
      `${count(sample.correct_of_slice)} without an error`,
    ].filter(Boolean);
    return (
      `Among them are ${listed(overall)}; of every slice at least ${listed(ofSlice)}, or as many as it has. ` +
      "All utterances are in scores.parquet."
    );
  };

  /* The controls. */
  let fields = 0;
  const field = (label, control, isWide = false) => {
    control.id = `explorer-field-${(fields += 1)}`;
    const named = element("label", "", label);
    named.htmlFor = control.id;
    named.title = label;
    return element("div", isWide ? "wide" : "", named, control);
  };
  const choice = (label, options, action) => {
    const select = element("select");
    options.forEach(([value, text]) => select.append(new Option(text, value)));
    select.addEventListener("change", () => { action(Number(select.value)); show(0); });
    return field(label, select);
  };
  const shownAndAll = (number, total) => (number === total ? count(total) : `${count(number)} of ${count(total)}`);
  const searchField = (label, action) => {
    const input = element("input");
    input.type = "search";
    input.autocomplete = "off";
    input.spellcheck = false;
    let waiting;
    input.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => { action(input.value); show(0); }, 150);
    });
    return field(label, input);
  };
  const controls = () => {
    const form = element("form", "explorer-filters");
    form.setAttribute("role", "search");
    form.setAttribute("aria-label", "Filter utterances");
    form.addEventListener("submit", (event) => event.preventDefault());
    if (data.references !== null) form.append(searchField("Words said or heard", (text) => { chosen.words = text; }));
    if (data.ids !== null || data.speakers) form.append(searchField(data.ids === null ? "Speaker" : "Utterance or speaker", (text) => { chosen.name = text; }));
    const kinds = data.kinds.map(([name, total], bit) => [bit, `${name} (${shownAndAll(kindOf(bit).filter(Boolean).length, total)})`]);
    form.append(choice("Kind", [[-1, "all"], ...kinds], (bit) => { chosen.kind = bit; }));
    data.filters.forEach(({ name, values, totals }, column) => {
      if (values.length < 2 && column === 0) return;
      const here = values.map(() => 0);
      places.forEach((i) => cellOf(column, i).forEach((value) => { here[value] += 1; }));
      const options = values.map((value, number) => [number, `${value} (${shownAndAll(here[number], totals[number])})`]);
      form.append(choice(name, [[-1, "all"], ...options], (value) => { chosen.values[column] = value; }));
    });
    form.append(choice("Sorted by", SORTS.map(([name], number) => [number, name]), (number) => { chosen.sort = number; }));
    const clear = button("Clear filters", () => {
      form.reset();
      Object.assign(chosen, { words: "", name: "", kind: -1, values: data.filters.map(() => -1), sort: 0 });
      show(0);
    });
    form.append(element("div", "act", clear));
    return form;
  };

  /* A pair of words: the reference's above the hypothesis's; its mark is a colour, a line and a word for ears. */
  const unseen = (text) => {
    const made = element("span", "unseen", text);
    made.dir = "ltr";
    return made;
  };
  const hidden = (name, className, text) => {
    const made = element(name, className, text);
    made.setAttribute("aria-hidden", "true");
    return made;
  };
  const pair = ([kind, said, heard, number]) => {
    if (kind === "x") return element("span", "pair x", `… ${counted(number, "word")} alike …`);
    if (kind === "e") return element("span", "pair", element("span", "", said), hidden("span", "same", heard));
    const above = kind === "i" ? hidden("span", "gap", "+") : element("del", "", unseen(kind === "d" ? "missed: " : "said: "), said);
    const below = kind === "d" ? hidden("span", "gap", "–") : element("ins", "", unseen(kind === "i" ? "added: " : "heard: "), heard);
    return element("span", `pair ${kind}`, above, below);
  };
  const lineNames = () => {
    const names = hidden("span", "pair name", "");
    names.dir = "ltr";
    names.append(element("span", "", "reference"), element("span", "", "hypothesis"));
    return names;
  };
  const line = (pairs) => {
    const made = element("div", "pairs", lineNames());
    made.dir = "auto";
    pairs.forEach((each) => made.append(" ", pair(each)));
    return made;
  };
  const legend = () => {
    const mark = (kind, said, heard, text) => element("span", "", element("span", "pairs", pair([kind, said, heard])), text);
    return element(
      "p", "explorer-legend", hidden("span", "", "Reference above, hypothesis below:"),
      mark("s", "bat", "bad", "substituted"), mark("d", "the", "", "deleted"), mark("i", "", "uh", "inserted"),
    );
  };

  /* A recording: its player is made when it is asked for. */
  const recordingOf = (i) => {
    const all = data.recordings;
    if (!all || all.of[i] < 0) return null;
    const start = all.starts[i] ?? 0;
    const end = all.ends[i];
    const part = start || end !== null ? `#t=${start}${end === null ? "" : `,${end}`}` : "";
    return { address: all.base + all.names[all.of[i]], part, start, end };
  };
  const player = (i, { address, part, start, end }) => {
    const audio = element("audio");
    audio.controls = true;
    audio.preload = "none";
    audio.setAttribute("aria-label", `Recording of ${idOf(i)}`);
    audio.src = address + part;
    audio.addEventListener("play", () => {
      if (end !== null && (audio.currentTime >= end - 0.05 || audio.currentTime < start - 0.05)) audio.currentTime = start;
    });
    audio.addEventListener("error", () => audio.replaceWith(element("span", "", `This recording cannot be played here: ${address}`)));
    return audio;
  };
  const listen = (i, recording) => {
    const panel = element("span", "explorer-panel");
    const toggle = button("Listen", () => {
      const isOpen = toggle.getAttribute("aria-expanded") === "true";
      toggle.setAttribute("aria-expanded", String(!isOpen));
      if (isOpen) { panel.replaceChildren(); return; }
      const condition = data.filters[0].values[cellOf(0, i)[0]];
      const before = condition === CLEAN ? null : ` The recording before the condition ${condition}.`;
      panel.replaceChildren(player(i, recording), before ?? "");
      const audio = panel.querySelector("audio");
      audio.focus();
      audio.play().catch(() => {}); // the listener for errors says what cannot be played
    });
    toggle.setAttribute("aria-expanded", "false");
    toggle.setAttribute("aria-label", `Listen to ${idOf(i)}`);
    return [toggle, panel];
  };

  /* A row of the list. */
  const summary = (i) => {
    const of = words[i] ? [`in ${counted(words[i], "word")}`, `WER ${percent(rate(i))}`] : ["where nothing was said"];
    const told = failed[i] ? ["Failed", `${counted(words[i], "word")} said`] : [counted(errors[i], "error"), ...of];
    return element("div", "explorer-sum", ...told.map((text, line) => element(line ? "span" : "b", "", text)));
  };
  const aboutRow = (i) => {
    const parts = [element("span", "mono", idOf(i))];
    const speaker = speakerOf(i);
    if (speaker !== null) parts.push(element("span", "", "speaker ", element("span", "mono", speaker)));
    data.filters.forEach(({ name, values }, column) => {
      if (column === 0 && values.length === 1 && values[0] === CLEAN) return;
      parts.push(element("span", "", `${name}: ${cellOf(column, i).map((value) => values[value]).join(", ")}`));
    });
    if (!failed[i]) {
      parts.push(element("span", "", `${count(data.substitutions[i])} substituted, ${count(data.deletions[i])} deleted, ${count(data.insertions[i])} inserted`));
    }
    data.kinds.forEach(([name, , isSign], bit) => {
      if (isSign && ((data.kinds_of[i] >> bit) & 1) === 1) parts.push(element("span", "sign", name));
    });
    return element("div", "explorer-about", ...parts.flatMap((part) => [part, " "]));
  };
  const textOf = (i, more) => {
    if (data.references === null) return null;
    const pairs = failed[i] ? split(data.references[i]).map((word) => ["e", word, ""]) : pairsOf(i);
    if (pairs.length === 0) return element("div", "none", failed[i] ? "Nothing was said." : "No words, neither said nor heard.");
    const made = line(pairs.length <= LONG ? pairs : brief(pairs));
    if (failed[i]) made.querySelector(".name").lastChild.textContent = "none";
    const end = endOf.get(i) ?? { reference: 0, hypothesis: 0 };
    const beyond = end.reference || end.hypothesis
      ? ` … ${counted(end.reference, "more word")} of the reference and ${count(end.hypothesis)} of the hypothesis are in scores.parquet.`
      : "";
    if (pairs.length <= LONG) { made.append(beyond); return made; }
    const all = button("Show more of it", () => {
      const whole = line(pairs);
      whole.append(beyond);
      whole.tabIndex = -1;
      made.replaceWith(whole);
      all.remove();
      whole.focus();
    });
    made.append(" …");
    more.append(all);
    return made;
  };
  const row = (i) => {
    const more = element("div", "explorer-more");
    const text = textOf(i, more);
    const recording = recordingOf(i);
    if (recording) more.append(...listen(i, recording));
    return element("li", "", summary(i), element("div", "", text, aboutRow(i), more));
  };

  /* The list and its pages; what it is filtered by is written beside it, for paper has no controls. */
  const filteredBy = element("p", "explorer-filtered");
  const named = () => [
    ...(chosen.words.trim() ? [`words “${chosen.words.trim()}”`] : []),
    ...(chosen.name.trim() ? [`utterance or speaker “${chosen.name.trim()}”`] : []),
    ...(chosen.kind < 0 ? [] : [data.kinds[chosen.kind][0]]),
    ...chosen.values.flatMap((value, column) => (value < 0 ? [] : [`${data.filters[column].name} ${data.filters[column].values[value]}`])),
  ];
  const status = element("p");
  status.setAttribute("role", "status");
  const list = element("ol", "explorer-list");
  let page = 0;
  let found = [];
  const navigation = (label) => {
    const nav = element("nav", "explorer-pages");
    nav.setAttribute("aria-label", label);
    const back = button("Previous", () => turn(page - 1));
    const next = button("Next", () => turn(page + 1));
    const where = element("span");
    nav.append(back, where, next);
    return { nav, update(nPages) {
      nav.hidden = nPages < 2;
      back.setAttribute("aria-disabled", String(page === 0));
      next.setAttribute("aria-disabled", String(page >= nPages - 1));
      where.textContent = `Page ${count(page + 1)} of ${count(nPages)}`;
    } };
  };
  const above = navigation("Pages of utterances");
  const below = navigation("Pages of utterances, below the list");
  const bar = element("div", "explorer-bar", status, above.nav);
  const turn = (wanted) => {
    show(wanted, false);
    bar.scrollIntoView({ block: "start" });
  };
  const sentence = (first, last) => {
    const isSearch = chosen.words.trim() !== "" || chosen.name.trim() !== "";
    const isFiltered = isSearch || chosen.kind >= 0 || chosen.values.some((value) => value >= 0);
    const range = found.length > PAGE ? `; shown are ${count(first)} to ${count(last)}` : "";
    const utterances = counted(found.length, "utterance");
    const verb = found.length === 1 ? "matches" : "match";
    if (isWhole) return isFiltered ? `${count(found.length)} of ${counted(data.n_rows, "utterance")} ${verb}${range}.` : `${utterances}${range}.`;
    const total = totalOfRun();
    const here = isFiltered ? `${utterances} in this file ${verb}` : `${utterances} in this file`;
    if (total === null) return `${here}${range}. How many the run has with these filters together is not in this file.`;
    if (!isSearch) return `${here}, of ${count(total)} in the run${range}.`;
    const all = total === data.n_rows ? `all ${count(total)} of the run` : `all ${count(total)} that the run has with these filters`;
    return `${here}${range}. Only what is in this file is searched, not ${all}.`;
  };
  const show = (wanted, isNew = true) => {
    if (isNew) found = ordered().filter(matches());
    const nPages = Math.max(1, Math.ceil(found.length / PAGE));
    page = Math.min(Math.max(0, wanted), nPages - 1);
    const rows = found.slice(page * PAGE, (page + 1) * PAGE);
    list.replaceChildren(...rows.map(row));
    list.start = page * PAGE + 1;
    status.textContent = sentence(page * PAGE + 1, page * PAGE + rows.length);
    filteredBy.textContent = [`Sorted by ${SORTS[chosen.sort][0].toLowerCase()}`, ...named()].join("; ");
    above.update(nPages);
    below.update(nPages);
  };
  root.append(element("p", "small muted", about().join(" ")), controls());
  if (data.references !== null) root.append(legend());
  root.append(bar, filteredBy, list, element("div", "explorer-bar", element("span"), below.nav));
  show(0);
})();
