/** A problem as the service told it (RFC 9457): title, detail, and the request id to quote. */

import { el, icon } from "./dom.js";

/**
 * @param {import("./types.js").Problem} problem
 * @param {...HTMLElement} actions
 */
export function problemCard(problem, ...actions) {
  return el(
    "div",
    { class: "problem-card" },
    icon("problem"),
    el(
      "div",
      { class: "problem-words" },
      el("strong", {}, problem.title),
      problem.detail && problem.detail !== problem.title && el("p", {}, problem.detail),
      problem.instance && el("p", { class: "small" }, "Request ", el("code", {}, problem.instance)),
      actions.length > 0 && el("p", { class: "actions" }, ...actions),
    ),
  );
}
