/** Signing in with a key, and out. The key goes from the field into one header and the field is emptied. */

import { currentSession, problemOf, signIn, signOut } from "./api.js";
import { byId, el, icon } from "./dom.js";
import { problemCard } from "./problem.js";

/** @param {() => void} signedIn called each time the service accepts us, at the start too */
export async function startSession(signedIn) {
  const button = /** @type {HTMLButtonElement} */ (byId("sign-out"));
  button.addEventListener("click", async () => {
    try {
      await signOut();
    } catch (error) {
      if (problemOf(error).status !== 401) {
        byId("key-place").replaceChildren(problemCard(problemOf(error)));
        return;
      }
    }
    location.reload(); // leaves nothing of the session on the page
  });

  onSignedIn = (session) => {
    byId("key-place").replaceChildren();
    button.hidden = session.csrf_token === null; // a service without keys has nobody to sign out
    signedIn();
  };
  try {
    onSignedIn(await currentSession());
  } catch (error) {
    if (problemOf(error).status === 401) askForKey();
    else byId("key-place").replaceChildren(problemCard(problemOf(error)));
  }
}

/** @type {(session: import("./types.js").Session) => void} */
let onSignedIn = () => {};

/** Show the form, unless it is there already. */
export function askForKey() {
  const place = byId("key-place");
  byId("sign-out").hidden = true;
  if (place.querySelector("form")) return;
  const field = /** @type {HTMLInputElement} */ (
    el("input", { type: "password", id: "key", required: true, autocomplete: "off", spellcheck: "false", "aria-describedby": "key-why" })
  );
  const send = /** @type {HTMLButtonElement} */ (el("button", { class: "primary" }, "Continue"));
  const wrong = el("div", { role: "alert" });
  const form = el(
    "form",
    { class: "key", onsubmit: submit },
    el("label", { for: "key" }, icon("key"), "Enter your API key"),
    el("p", { id: "key-why" }, "This service asks for one. It is traded for a session cookie and kept nowhere on this page. Pictures you have chosen wait here."),
    el("div", { class: "key-row" }, field, send),
    wrong,
  );

  /** @param {SubmitEvent} event */
  async function submit(event) {
    event.preventDefault();
    const key = field.value.trim();
    field.value = "";
    if (/[^\x21-\x7e]/.test(key)) {
      // a header cannot carry it, so it cannot be a key
      wrong.replaceChildren(problemCard({ status: 0, title: "This does not look like a key", detail: "Keys are plain letters, digits and signs, without spaces." }));
      return;
    }
    send.disabled = true;
    wrong.replaceChildren();
    try {
      onSignedIn(await signIn(key));
      byId("files").focus();
    } catch (error) {
      const problem = problemOf(error);
      wrong.replaceChildren(problemCard(problem.status === 401 ? { ...problem, title: "This key is not accepted" } : problem));
      field.focus();
    } finally {
      send.disabled = false;
    }
  }

  place.replaceChildren(form);
  field.focus();
}
