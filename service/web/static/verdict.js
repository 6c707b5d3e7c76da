/** The words for a verdict. One place, so that list, detail and announcement say the same. */

import { el, icon } from "./dom.js";
import { chance, sentenceList } from "./format.js";

/** @typedef {import("./types.js").Answer} Answer */
/** @typedef {import("./types.js").Match} Match */
/** @typedef {"duplicate"|"unique"|"uncertain"|"problem"|"waiting"} Badge */

const NAMES = { duplicate: "Duplicate", unique: "Unique", uncertain: "Uncertain", problem: "Problem", waiting: "Waiting" };

/**
 * A verdict as icon, word and colour.
 * @param {Badge} kind
 * @param {string} [words]
 */
export const badge = (kind, words) => el("span", { class: `badge ${kind}` }, icon(kind), words ?? NAMES[kind]);

/** @param {Answer} answer */
export function headline(answer) {
  if (answer.verdict === "duplicate") return "The collection has this picture";
  if (answer.verdict === "uncertain") return "This may be a copy: look for yourself";
  return "The collection does not have this picture";
}

/** @param {Answer} answer */
export function probabilityWords(answer) {
  const best = answer.matches[0];
  if (!best) return answer.index?.size === 0 ? "There is nothing to compare it with yet." : "No stored picture came close enough to be compared.";
  const odds = chance(answer.probability);
  return `${odds.charAt(0).toUpperCase()}${odds.slice(1)} likely that it and ${nameOf(best)} come from one source picture.`;
}

/** @param {Match} match */
export const nameOf = (match) => match.external_id || match.image_id;

/** @param {Match} match */
export function relationWords(match) {
  const edits = match.edits?.length ? `: ${sentenceList(match.edits)}` : "";
  return (RELATIONS[match.relation] ?? match.relation.replaceAll("_", " ")) + edits;
}

/** @type {Record<string, string>} */
const RELATIONS = {
  identical: "the same file, byte for byte",
  same_pixels: "the same pixels in another file",
  reencoded: "re-encoded or resized",
  edited: "edited",
  sibling: "same scene, another exposure (not a copy)",
  same_person: "same person",
  unrelated: "unrelated",
};

/** @type {Record<string, string>} */
export const DIRECTIONS = {
  query_from_reference: "your picture was made from the stored one",
  reference_from_query: "the stored picture was made from yours",
  same_detail: "both hold the same detail",
  unknown: "not known",
};

/**
 * What to do, in one sentence.
 * @param {Answer} answer
 */
export function recommendationWords(answer) {
  const { action, keeper } = answer.recommendation;
  const kept = answer.matches.find((match) => match.image_id === keeper);
  if (action === "delete") return kept ? `Delete this copy; keep the stored picture ${nameOf(kept)}.` : "Delete this copy; keep the stored picture.";
  if (action === "review") return "Compare them yourself before you delete anything.";
  if (answer.verdict === "duplicate") return "Keep this one: it is the better copy.";
  return "Keep it.";
}

/**
 * The verdict for a screen reader and for the compact list's tooltip.
 * @param {string} name
 * @param {Answer} answer
 */
export function spoken(name, answer) {
  return `${name}: ${NAMES[answer.verdict]}. ${headline(answer)}. ${probabilityWords(answer)} ${recommendationWords(answer)}`;
}
