/** The compact list of everything checked on this page; a row opens its detail. */

import { byId, el, fill } from "./dom.js";
import { chance, plural } from "./format.js";
import { picture } from "./picture.js";
import { badge, nameOf } from "./verdict.js";

/** @typedef {import("./queue.js").Item} Item */

/** @type {WeakMap<Item, {row: HTMLElement, button: HTMLElement, state: HTMLElement, note: HTMLElement}>} */
const rows = new WeakMap();

/**
 * @param {Item[]} items
 * @param {Item|null} chosen
 * @param {(item: Item) => void} open
 */
export function showList(items, chosen, open) {
  const list = byId("rows");
  byId("list").hidden = items.length < 2;
  for (const item of items) {
    if (!rows.has(item)) rows.set(item, newRow(item, open));
    update(item, item === chosen);
  }
  const wanted = items.map((item) => /** @type {HTMLElement} */ (rows.get(item)?.row));
  if (wanted.length !== list.children.length || wanted.some((row, at) => list.children[at] !== row)) fill(list, ...wanted);
  byId("list-count").textContent = summary(items);
}

/** @param {Item} item @param {(item: Item) => void} open */
function newRow(item, open) {
  const state = el("span");
  const note = el("span", { class: "row-note" });
  const button = el(
    "button",
    { type: "button", class: "row", onclick: () => open(item) },
    picture(item.url, "", ""),
    el("span", { class: "row-words" }, el("span", { class: "row-name", title: item.file.name }, item.file.name), el("span", { class: "row-state" }, state, note)),
  );
  return { row: el("li", {}, button), button, state, note };
}

/** @param {Item} item @param {boolean} chosen */
function update(item, chosen) {
  const row = rows.get(item);
  if (!row) return;
  row.button.setAttribute("aria-current", String(chosen));
  const [mark, note] = words(item);
  if (row.note.textContent !== note) row.note.textContent = note;
  if (row.state.textContent !== mark.textContent) fill(row.state, mark);
}

/** @param {Item} item @returns {[HTMLElement, string]} */
function words(item) {
  if (item.state === "waiting") return [badge("waiting"), ""];
  if (item.state === "checking") return [badge("waiting", "Checking"), ""];
  if (item.state === "failed" || !item.answer) return [badge("problem"), item.problem?.title ?? ""];
  const best = item.answer.verdict === "unique" ? undefined : item.answer.matches[0];
  const added = item.collecting.state === "added" ? "added" : "";
  const match = best ? `${nameOf(best)}, ${chance(best.probability)}` : "";
  return [badge(item.answer.verdict), [match, added].filter(Boolean).join(" · ")];
}

/** @param {Item[]} items */
function summary(items) {
  const done = items.filter((item) => item.state === "done");
  const failed = items.filter((item) => item.state === "failed").length;
  if (done.length + failed < items.length) return `${done.length + failed} of ${plural(items.length, "picture", "pictures")} checked`;
  const of = (/** @type {string} */ kind) => done.filter((item) => item.answer?.verdict === kind).length;
  return `${plural(of("duplicate"), "duplicate", "duplicates")}, ${of("uncertain")} uncertain, ${of("unique")} unique${failed ? `, ${plural(failed, "problem", "problems")}` : ""}`;
}
