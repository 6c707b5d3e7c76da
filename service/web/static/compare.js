/**
 * Two pictures: side by side, one laid over the other, or as a map of what changed.
 *
 * The overlay uses the evidence's transform, so a crop lies where it was cut and a rotated copy is turned back: when
 * the pair is a true copy nothing moves under the slider.
 */

import { el, fill, icon, svg } from "./dom.js";
import * as format from "./format.js";
import { cannotShow, ownLink, picture } from "./picture.js";
import { nameOf, relationWords } from "./verdict.js";
import { compare, image as storedFacts, problemOf } from "./api.js";

/** @typedef {import("./types.js").Match} Match */
/** @typedef {import("./queue.js").Item} Item */

const IDENTITY = [[1, 0, 0], [0, 1, 0], [0, 0, 1]];

/** @param {Item} item @param {Match} match */
export function comparison(item, match) {
  const stored = ownLink(match.links?.thumbnail);
  const pair = el("div", { class: "pair" }, queryFigure(item), storedFigure(match, stored));
  const transform = transformOf(match);
  if (!transform || !stored) return el("div", { class: "compare" }, pair);

  const changed = el("div", { class: "changes", role: "status" });
  const views = [pair, overlay(item, match, stored, transform), changed];
  const buttons = ["Side by side", "Laid over", "Changes"].map((words, at) => el("button", { type: "button", "aria-pressed": String(at === 0), onclick: () => show(at) }, words));
  /** @param {number} chosen */
  function show(chosen) {
    views.forEach((view, at) => (view.hidden = at !== chosen));
    buttons.forEach((button, at) => button.setAttribute("aria-pressed", String(at === chosen)));
    if (views[chosen] === changed && !changed.hasChildNodes()) void showChanges(changed, item, match);
  }
  show(0);
  return el("div", { class: "compare" }, el("div", { class: "switch", role: "group", "aria-label": "How to compare" }, ...buttons), ...views);
}

/** @param {HTMLElement} place @param {Item} item @param {Match} match */
async function showChanges(place, item, match) {
  fill(place, el("p", { class: "small" }, "Comparing …"));
  try {
    const { links, why_not: whyNot, unknown } = await compare(item.file, match.image_id);
    const map = links.change_map && el("img", { src: links.change_map, alt: `What changed between ${nameOf(match)} and ${item.file.name}` });
    const words = map ? "The stored picture in grey: dark where yours does not show it, red where yours differs." : `There is no map: ${unknown.change_map}.`;
    fill(place, map, el("p", { class: "small" }, words), whyNot.length > 0 && el("ul", { class: "small" }, ...whyNot.map((text) => el("li", {}, text))));
  } catch (error) {
    const again = el("button", { type: "button", onclick: () => showChanges(place, item, match) }, "Try again");
    fill(place, el("p", { class: "small" }, problemOf(error).title), again);
  }
}

/** @param {Item} item */
export function queryFigure(item) {
  const known = item.answer ? format.facts(item.answer.query) : format.bytes(item.file.size);
  return el(
    "figure",
    {},
    picture(item.url, `Your picture ${item.file.name}`, cannotShow(item.file)),
    el("figcaption", {}, el("span", { class: "role" }, "Your picture"), el("strong", {}, item.file.name), el("span", { class: "small" }, known)),
  );
}

/** @param {Match} match @param {string|undefined} source */
function storedFigure(match, source) {
  const facts = el("span", { class: "small" }, " ");
  const frame = picture(source, `Stored picture ${nameOf(match)}`, "The service has no thumbnail of it.", (shown) => outline(frame, shown, match));
  void showFacts(facts, match);
  return el(
    "figure",
    {},
    frame,
    el("figcaption", {}, el("span", { class: "role" }, "Stored picture"), el("strong", {}, nameOf(match)), facts, el("span", { class: "relation" }, `Yours is ${relationWords(match)}`)),
  );
}

/** @param {HTMLElement} place @param {Match} match */
async function showFacts(place, match) {
  try {
    place.textContent = format.facts(await storedFacts(match.image_id)) || match.image_id;
  } catch {
    place.textContent = match.image_id; // a caption is not worth an error
  }
}

/**
 * Where in the stored picture the query lies, when it is only a part: the query's corners, mapped.
 * @param {Element} frame @param {HTMLImageElement} shown @param {Match} match
 */
function outline(frame, shown, match) {
  const { reference_region: region, transform } = match.evidence;
  if (!region || !transform || (region[2] - region[0] > 0.97 && region[3] - region[1] > 0.97)) return;
  const { naturalWidth: width, naturalHeight: height } = shown;
  const corners = [[0, 0], [1, 0], [1, 1], [0, 1]].map(([x, y]) => mapped(transform, x ?? 0, y ?? 0));
  const points = corners.map(([x, y]) => `${x * width},${y * height}`).join(" ");
  // The viewBox fits into the frame just as `object-fit: contain` fits the picture.
  const drawing = svg("svg", { class: "outline", viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  drawing.append(svg("path", { d: `M0,0H${width}V${height}H0ZM${points}Z` }), svg("polygon", { points }));
  frame.append(drawing);
}

/** @param {number[][]} transform @param {number} x @param {number} y @returns {[number, number]} */
function mapped(transform, x, y) {
  const [u = 0, v = 0, scale = 1] = transform.map(([a = 0, b = 0, c = 0]) => a * x + b * y + c);
  return [u / scale, v / scale];
}

/** @param {Match} match @returns {number[][]|null} */
function transformOf(match) {
  if (match.evidence.transform) return match.evidence.transform;
  return ["identical", "same_pixels"].includes(match.relation) ? IDENTITY : null;
}

/** @param {Item} item @param {Match} match @param {string} stored @param {number[][]} transform */
function overlay(item, match, stored, transform) {
  const top = /** @type {HTMLImageElement} */ (el("img", { class: "top", alt: "Your picture, laid over it", src: item.url }));
  const bottom = el("img", { alt: `Stored picture ${nameOf(match)}`, src: stored });
  const stage = el("div", { class: "stage" }, bottom, top);
  const slider = /** @type {HTMLInputElement} */ (el("input", { type: "range", min: 0, max: 100, value: 50, oninput: fade, "aria-label": "How much of your picture to show" }));
  const blink = el("button", { type: "button", "aria-pressed": "false", onclick: toggleBlink }, icon("review"), "Blink");
  const controls = el("div", { class: "controls" }, el("span", { class: "small" }, "Stored"), slider, el("span", { class: "small" }, "Yours"), blink);
  const node = el("div", { class: "over" }, stage, controls);

  function fade() {
    top.style.setProperty("opacity", String(slider.valueAsNumber / 100));
  }
  function toggleBlink() {
    const on = blink.getAttribute("aria-pressed") !== "true";
    blink.setAttribute("aria-pressed", String(on));
    stage.classList.toggle("blinking", on); // once a second: well under what may trouble anybody
  }
  fade();
  top.addEventListener("error", () => node.replaceChildren(el("p", { class: "small" }, cannotShow(item.file))));
  new ResizeObserver(([entry]) => {
    if (entry) top.style.setProperty("transform", matrix(transform, entry.contentRect.width, entry.contentRect.height));
  }).observe(stage);
  return node;
}

/**
 * A 3x3 map of shares as a CSS matrix over a box of so many pixels (S T S⁻¹, column by column).
 * @param {number[][]} t @param {number} width @param {number} height
 */
export function matrix(t, width, height) {
  const [a = 1, b = 0, c = 0, d = 0, e = 1, f = 0, g = 0, h = 0, i = 1] = t.flat();
  const w = width || 1;
  const l = height || 1;
  return `matrix3d(${[a, (d * l) / w, 0, g / w, (b * w) / l, e, 0, h / l, 0, 0, 1, 0, c * w, f * l, 0, i].join(",")})`;
}
