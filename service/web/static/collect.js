/** "Add to the collection": the form, its three ways with duplicates, and how it went. */

import { addImage, problemOf } from "./api.js";
import { el, fill, icon } from "./dom.js";
import { problemCard } from "./problem.js";

/** @typedef {import("./queue.js").Item} Item */
/** @typedef {import("./types.js").OnDuplicate} OnDuplicate */

/** @type {[OnDuplicate, string, string][]} */
const WAYS = [
  ["store", "Store it anyway", "keep this file as well, with its verdict beside it"],
  ["reference", "Point to the stored one", "when only the file differs (same pixels or re-encoded), keep no second file"],
  ["reject", "Refuse it", "add nothing"],
];

/** @type {WeakMap<Item, HTMLElement>} one section for an item, so that looking elsewhere meanwhile loses nothing */
const sections = new WeakMap();

/**
 * @param {Item} item
 * @param {{added: () => void, keyNeeded: () => void}} told
 */
export function collectSection(item, told) {
  const known = sections.get(item);
  if (known) return known;
  const section = el("section", { class: "card collect", "aria-label": "Add to the collection" });
  const attempts = new Map(); // the same choice tried again is the same call
  const draw = () => fill(section, ...(item.collecting.state === "added" ? outcome(item) : form(item, send)));

  async function send() {
    const { collecting } = item;
    const choice = `${collecting.onDuplicate} ${collecting.externalId}`;
    if (!attempts.has(choice)) attempts.set(choice, globalThis.crypto?.randomUUID?.() ?? null);
    collecting.state = "sending";
    collecting.problem = null;
    draw();
    try {
      collecting.added = await addImage(item.file, { ...collecting, attempt: attempts.get(choice) });
      collecting.state = "added";
      told.added();
    } catch (error) {
      collecting.problem = problemOf(error);
      const refused = collecting.problem.status === 409 && collecting.onDuplicate === "reject";
      collecting.state = refused ? "refused" : "failed";
      if (collecting.problem.status !== 0) attempts.delete(choice); // it was answered; only a lost answer is repeated
      if (collecting.problem.status === 401) told.keyNeeded();
    }
    draw();
    if (section.isConnected && collecting.problem?.status !== 401) /** @type {HTMLElement|null} */ (section.querySelector("[tabindex='-1']"))?.focus();
  }

  draw();
  sections.set(item, section);
  return section;
}

/** @param {Item} item @param {() => void} send */
function form(item, send) {
  const { collecting } = item;
  const busy = collecting.state === "sending";
  const name = /** @type {HTMLInputElement} */ (el("input", { id: "external-id", value: collecting.externalId, autocomplete: "off", spellcheck: "false", disabled: busy }));
  name.addEventListener("input", () => (collecting.externalId = name.value));
  const ways = WAYS.map(([value, words, meaning]) =>
    el(
      "label",
      { class: "way" },
      el("input", { type: "radio", name: "on-duplicate", value, checked: value === collecting.onDuplicate, disabled: busy, onchange: () => (collecting.onDuplicate = value) }),
      el("span", {}, el("b", {}, words), ` ${meaning}`),
    ),
  );
  return [
    el("h3", {}, "Add to the collection"),
    el(
      "form",
      {
        onsubmit: (/** @type {SubmitEvent} */ event) => {
          event.preventDefault();
          send();
        },
      },
      el("label", { for: "external-id", class: "field" }, "Your own name for it (optional)"),
      name,
      el("fieldset", {}, el("legend", {}, "If it is a duplicate"), ...ways),
      el("button", { class: "primary", disabled: busy }, busy ? "Adding…" : "Add to the collection"),
    ),
    collecting.problem && (collecting.state === "refused" ? refusal(collecting.problem) : el("div", { tabindex: "-1", role: "alert" }, problemCard(collecting.problem))),
  ];
}

/** @param {import("./types.js").Problem} problem */
function refusal(problem) {
  return el("div", { class: "outcome", tabindex: "-1", role: "status" }, el("strong", {}, icon("duplicate"), "Not added: it is a duplicate"), el("p", {}, problem.detail ?? "You asked to refuse those. Nothing was stored."));
}

/** @param {Item} item */
function outcome({ collecting }) {
  const { added } = collecting;
  const referenced = added?.outcome === "referenced";
  return [
    el("h3", {}, "In the collection"),
    el(
      "div",
      { class: "outcome", tabindex: "-1", role: "status" },
      el("strong", {}, icon("keep"), referenced ? "Added as a reference" : "Stored"),
      el("p", {}, referenced ? "It points to the picture already stored; no second file is kept. " : "The file is kept, and will be found from now on. "),
      el("p", { class: "small" }, "Image ", el("code", {}, added?.image_id ?? ""), (added?.references ?? 1) > 1 ? `, one of ${added?.references} that share the file` : ""),
    ),
  ];
}
