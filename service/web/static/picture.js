/** A picture in a frame, or a plain placeholder where this browser cannot show the format. */

import { el, icon } from "./dom.js";

/**
 * @param {string|undefined} source
 * @param {string} description
 * @param {string} missing  what to say when it cannot be shown
 * @param {(image: HTMLImageElement) => void} [ready]
 */
export function picture(source, description, missing, ready) {
  const frame = el("span", { class: "frame" });
  const instead = () => frame.replaceChildren(el("span", { class: "no-picture" }, icon("picture"), el("span", {}, missing)));
  if (!source) {
    instead();
    return frame;
  }
  const image = /** @type {HTMLImageElement} */ (el("img", { alt: description, decoding: "async" }));
  image.addEventListener("error", instead);
  if (ready) image.addEventListener("load", () => ready(image));
  image.src = source;
  frame.append(image);
  return frame;
}

/**
 * A link of the service's, if it leads to the service: an `<img>` must never make a request elsewhere.
 * @param {string|undefined} link
 */
export function ownLink(link) {
  if (!link) return undefined;
  const url = new URL(link, location.href);
  return url.origin === location.origin ? url.href : undefined;
}

/** @param {File} file */
export function cannotShow(file) {
  const ending = /\.([a-z0-9]{2,5})$/i.exec(file.name)?.[1]?.toUpperCase();
  return ending ? `This browser cannot show this ${ending} file. It is checked all the same.` : "This browser cannot show this file. It is checked all the same.";
}
