/** The verdict on one picture, in full. Drawn anew when its state changes; progress only moves the bar. */

import { byId, el, fill, icon, withShare } from "./dom.js";
import * as format from "./format.js";
import { collectSection } from "./collect.js";
import { comparison, queryFigure } from "./compare.js";
import { authenticityTable, evidenceTable, qualityTable, timingBar } from "./evidence.js";
import { ownLink, picture } from "./picture.js";
import { problemCard } from "./problem.js";
import { badge, headline, nameOf, probabilityWords, recommendationWords, relationWords } from "./verdict.js";

/** @typedef {import("./queue.js").Item} Item */
/** @typedef {import("./types.js").Answer} Answer */
/** @typedef {import("./types.js").Match} Match */
/** @typedef {{again: () => void, point: () => string, added: () => void, keyNeeded: () => void}} Told */

/** @type {{item: Item, state: string}|null} */
let drawn = null;

/** @param {Item|null} item @param {Told} told */
export function showDetail(item, told) {
  const place = byId("detail");
  if (!item) {
    drawn = null;
    fill(place);
    return;
  }
  if (drawn?.item === item && drawn.state === item.state) {
    moveProgress(place, item);
    return;
  }
  drawn = { item, state: item.state };
  if (item.state === "done" && item.answer) fill(place, ...answered(item, item.answer, told));
  else if (item.state === "failed" && item.problem) fill(place, problemCard(item.problem, el("button", { type: "button", class: "primary", onclick: told.again }, "Try again")), el("div", { class: "pair" }, queryFigure(item)));
  else fill(place, working(item), el("div", { class: "pair" }, queryFigure(item)));
  moveProgress(place, item);
}

/** @param {Item} item */
function working(item) {
  return el("div", { class: "working" }, el("h2", {}, item.state === "waiting" ? "Waiting" : "Checking"), el("progress", { max: 1, "aria-label": "Upload" }), el("p", { class: "small", id: "progress-words" }));
}

/** @param {HTMLElement} place @param {Item} item */
function moveProgress(place, item) {
  const meter = place.querySelector("progress");
  const words = place.querySelector("#progress-words");
  if (!meter || !words) return;
  const sent = item.progress >= 1;
  meter.hidden = item.state === "waiting";
  if (meter.hidden) words.textContent = "";
  else words.textContent = sent ? "Sent. Comparing it with the collection…" : `Sending: ${format.share(item.progress)} of ${format.bytes(item.file.size)}`;
  if (sent) meter.removeAttribute("value");
  else meter.value = item.progress;
}

/** @param {Item} item @param {Answer} answer @param {Told} told */
function answered(item, answer, told) {
  const matched = answer.verdict === "unique" ? null : (answer.matches[0] ?? null);
  const compare = el("div", { class: "compare-place" });
  const proof = el("div", { class: "proof" });
  /** @type {HTMLElement[]} */
  const thumbs = answer.matches.map((match) => thumbnail(match, () => choose(match)));

  /** @param {Match|null} match */
  function choose(match) {
    fill(compare, match ? comparison(item, match) : el("div", { class: "compare" }, el("div", { class: "pair single" }, queryFigure(item))));
    fill(proof, match && evidenceTable(match));
    thumbs.forEach((thumb, at) => thumb.setAttribute("aria-pressed", String(answer.matches[at] === match)));
  }
  choose(matched);
  const others = thumbs.length > (matched ? 1 : 0) && strip(answer, thumbs);
  const next = [recommendation(answer), collectSection(item, told)];

  return [
    summary(item, answer, told),
    ...(matched
      ? [compare, others, el("div", { class: "columns" }, ...next)] // a pair wants the full width, one picture half of it
      : [el("div", { class: "columns" }, compare, el("div", { class: "stacked" }, ...next)), others]),
    fold("Evidence and quality", true, el("div", { class: "columns" }, proof, el("div", { class: "stacked" }, qualityTable(answer.query.quality), authenticityTable(answer.query.authenticity)))),
    answer.timings_ms && fold("Where the time went", false, timingBar(answer.timings_ms)),
    fold("The answer as JSON", false, el("pre", { tabindex: "0" }, JSON.stringify(answer, null, 2))),
  ];
}

/** @param {Item} item @param {Answer} answer @param {Told} told */
function summary(item, answer, told) {
  return el(
    "div",
    { class: `summary ${answer.verdict}` },
    badge(answer.verdict),
    el("h2", {}, headline(answer)),
    answer.matches.length > 0 && withShare(el("div", { class: "odds", "aria-hidden": "true" }, el("span", { class: "odds-fill" })), answer.probability),
    el("p", { class: "odds-words" }, probabilityWords(answer)),
    answer.too_little_detail &&
      el("p", { class: "hint" }, el("strong", {}, "Too little detail. "), "This picture is flat, blank or tiny, so only identical bytes or pixels count as a match. A resized or edited copy of it would not be found."),
    el("p", { class: "small checked" }, `Checked with “${item.point}”. `, el("button", { type: "button", class: "plain", id: "again", onclick: told.again }, againWords(item, told.point()))),
  );
}

/**
 * The button to check again says with which point when that is another one.
 * @param {Item} item @param {string} point
 */
export const againWords = (item, point) => (point === item.point ? "Check again" : `Check again with “${point}”`);

/** @param {Answer} answer */
function recommendation(answer) {
  const { action, reasons = [] } = answer.recommendation;
  const most = Math.max(...reasons.map((reason) => Math.abs(reason.weight)), Number.EPSILON);
  return el(
    "section",
    { class: "card", "aria-label": "Recommendation" },
    el("h3", {}, "Recommendation"),
    el("p", { class: `advice ${action}` }, icon(action), recommendationWords(answer)),
    reasons.length > 0 &&
      el(
        "ul",
        { class: "reasons" },
        ...reasons.map((reason) => el("li", {}, el("span", {}, reason.text), el("span", { class: "measure" }, withShare(el("span", { class: "bar" }), Math.abs(reason.weight) / most), format.decimal(reason.weight)))),
      ),
    el("p", { class: "small" }, "Nothing is deleted here: this is advice."),
  );
}

/** @param {Answer} answer @param {HTMLElement[]} thumbs */
function strip(answer, thumbs) {
  const words = answer.verdict === "unique" ? "Nearest stored pictures (not copies)" : "Matches";
  return el("section", { class: "strip" }, el("h3", {}, words), el("ul", {}, ...thumbs.map((thumb) => el("li", {}, thumb))));
}

/** @param {Match} match @param {() => void} choose */
function thumbnail(match, choose) {
  return el(
    "button",
    { type: "button", class: "thumb", "aria-pressed": "false", onclick: choose },
    picture(ownLink(match.links?.thumbnail), "", "no thumbnail"),
    el("span", { class: "thumb-name" }, nameOf(match)),
    el("span", { class: "small" }, `${format.chance(match.probability)} · ${relationWords(match)}`),
  );
}

/** @param {string} title @param {boolean} open @param {...HTMLElement} inside */
const fold = (title, open, ...inside) => el("details", { open }, el("summary", {}, title), ...inside);
