/** Building nodes. Text goes in as text nodes only, and styles through the CSSOM only: the page's policy needs both. */

/**
 * @typedef {Node|string|null|false|undefined} Child
 * @typedef {Record<string, string|number|boolean|null|undefined|((event: any) => void)>} Attributes
 */

/**
 * An element. Attributes named `on…` are listeners; false, null and undefined are left out; true is an empty attribute.
 * @param {string} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children
 * @returns {HTMLElement}
 */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value === true ? "" : String(value));
  }
  fill(node, ...children);
  return node;
}

/**
 * Replace what a node holds.
 * @param {Element} node
 * @param {...Child} children
 */
export function fill(node, ...children) {
  node.replaceChildren(.../** @type {(Node|string)[]} */ (children.filter((child) => child !== null && child !== false && child !== undefined)));
}

/**
 * Give a node a share (0..1) to draw as its length.
 * @template {HTMLElement} T
 * @param {T} node
 * @param {number} share
 * @returns {T}
 */
export function withShare(node, share) {
  node.style.setProperty("--share", String(Math.min(1, Math.max(0, share))));
  return node;
}

/**
 * The element with this id; the pages are ours, so a missing one is a mistake in them.
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const node = document.getElementById(id);
  if (!node) throw new Error(`no #${id} on this page`);
  return node;
}

const PATHS = {
  duplicate: "M9 9h11v11H9zM5.5 15H4V4h11v1.5",
  unique: "M12 3.5 14.4 9l6 .6-4.5 4 1.3 5.9L12 16.4l-5.2 3.1 1.3-5.9-4.5-4 6-.6z",
  uncertain: "M8.5 9.2a3.6 3.6 0 1 1 5.4 3.1c-1.3.8-1.9 1.4-1.9 2.7M12 18.6v.1",
  problem: "M12 4 21.5 20h-19zM12 10v4.6M12 17.3v.1",
  waiting: "M12 7v5.2l3.4 2M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17z",
  keep: "m5 12.5 4.6 4.6L19.2 7.4",
  delete: "M5 7h14M10 7V4.5h4V7M7 7l.8 12.5h8.4L17 7M10.5 11v5M13.5 11v5",
  review: "M2.5 12S6 5.8 12 5.8 21.5 12 21.5 12 18 18.2 12 18.2 2.5 12 2.5 12zM12 9.4a2.6 2.6 0 1 0 0 5.2 2.6 2.6 0 0 0 0-5.2z",
  picture: "M4 5h16v14H4zM4 16l4.6-4.6 3.6 3.6 2.6-2.6L20 17M15.5 8.8v.1",
  key: "M14.8 3.8a5.4 5.4 0 1 1-4 9.1L4 19.6V20.5h3.4v-2.4h2.3v-2.3h1.9M16 8.2v.1",
};

/**
 * A line icon; it never stands alone, words say the same.
 * @param {keyof typeof PATHS} name
 */
export function icon(name) {
  const drawing = svg("svg", { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" });
  drawing.append(svg("path", { d: PATHS[name] }));
  return drawing;
}

/**
 * @param {string} tag
 * @param {Record<string, string>} attributes
 */
export function svg(tag, attributes) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}
