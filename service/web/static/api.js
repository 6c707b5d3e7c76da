/**
 * The only module that talks to the service. Every failure, the network's too, comes out as a ProblemError.
 *
 * The API key passes through `signIn` once, in a header, and is kept nowhere; the service answers with a cookie this
 * page cannot read and a CSRF token that it sends back on every write.
 */

/** @typedef {import("./types.js").Problem} Problem */

const TOKEN = "keepone.csrf";

export class ProblemError extends Error {
  /** @param {Problem} problem @param {any} [body] the whole answer: a refused duplicate carries its verdict */
  constructor(problem, body = null) {
    super(problem.title);
    this.problem = problem;
    this.body = body;
  }
}

/**
 * Any failure as a problem to show.
 * @param {unknown} error
 * @returns {Problem}
 */
export function problemOf(error) {
  return error instanceof ProblemError ? error.problem : { status: 0, title: "Something went wrong on this page", detail: String(error) };
}

/** @type {string|null} */
let token = sessionStorage.getItem(TOKEN);

export const csrfToken = () => token;

/** @param {string|null} value */
function keepToken(value) {
  token = value;
  if (value) sessionStorage.setItem(TOKEN, value);
  else sessionStorage.removeItem(TOKEN);
}

/**
 * @param {string} method
 * @param {string} path
 * @param {{body?: FormData, headers?: Record<string, string>, onProgress?: (share: number) => void}} [options]
 * @returns {Promise<any>} the JSON answered, or null for an empty answer
 */
function send(method, path, { body, headers = {}, onProgress } = {}) {
  // XMLHttpRequest and not fetch: only it reports how much of an upload has gone.
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, path);
    request.setRequestHeader("Accept", "application/json, application/problem+json");
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    if (token && method !== "GET") request.setRequestHeader("X-CSRF-Token", token);
    if (onProgress) request.upload.addEventListener("progress", (event) => event.lengthComputable && onProgress(event.loaded / event.total));
    request.addEventListener("error", () => reject(new ProblemError(UNREACHABLE)));
    request.addEventListener("load", () => {
      const answer = parsed(request.responseText);
      if (request.status >= 200 && request.status < 300) resolve(answer);
      else reject(new ProblemError(asProblem(request, answer), answer));
    });
    request.send(body ?? null);
  });
}

/** @type {Problem} */
const UNREACHABLE = {
  status: 0,
  title: "The service cannot be reached",
  detail: "It may be restarting, the connection may be down, or the file has changed since it was chosen. Your pictures are still here: try again in a moment.",
};

/** @param {string} text */
function parsed(text) {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null; // a proxy's HTML page, say; the status still tells
  }
}

/**
 * @param {XMLHttpRequest} request
 * @param {any} answer
 * @returns {Problem}
 */
function asProblem(request, answer) {
  const said = answer && typeof answer === "object" ? answer : {};
  return {
    status: request.status,
    title: typeof said.title === "string" ? said.title : `The service answered ${request.status} ${request.statusText}`.trim(),
    detail: typeof said.detail === "string" ? said.detail : undefined,
    instance: typeof said.instance === "string" ? said.instance : undefined,
  };
}

/**
 * Is the picture known? Stores nothing.
 * @param {File} file
 * @param {import("./types.js").Point} point
 * @param {(share: number) => void} [onProgress]
 * @returns {Promise<import("./types.js").Answer>}
 */
export function checkDuplicate(file, point, onProgress) {
  const body = new FormData();
  body.append("file", file, file.name);
  return send("POST", `/check-duplicate?operating_point=${encodeURIComponent(point)}`, { body, onProgress });
}

/**
 * @param {File} file
 * @param {{externalId: string, onDuplicate: import("./types.js").OnDuplicate, attempt: string|null}} choice
 *   `attempt` makes a repeated call after a lost answer the same call, not a second one
 * @param {(share: number) => void} [onProgress]
 * @returns {Promise<import("./types.js").Added>}
 */
export function addImage(file, { externalId, onDuplicate, attempt }, onProgress) {
  const body = new FormData();
  body.append("file", file, file.name);
  if (externalId) body.append("external_id", externalId);
  body.append("on_duplicate", onDuplicate);
  return send("POST", "/images", { body, onProgress, headers: attempt ? { "Idempotency-Key": attempt } : {} });
}

/**
 * A picture beside a stored one: what differs, and why they are no copies. Stores nothing.
 * @param {File} file
 * @param {string} id
 * @returns {Promise<import("./types.js").Comparison>}
 */
export function compare(file, id) {
  const body = new FormData();
  body.append("file", file, file.name);
  body.append("image_id", id);
  return send("POST", "/compare", { body });
}

/**
 * What is remembered of one stored picture.
 * @param {string} id
 * @returns {Promise<import("./types.js").Facts>}
 */
export const image = (id) => send("GET", `/images/${encodeURIComponent(id)}`);

/** @returns {Promise<import("./types.js").Stats>} */
export const stats = () => send("GET", "/stats");

/** @returns {Promise<import("./types.js").Session>} */
export async function currentSession() {
  try {
    const session = await send("GET", "/session");
    keepToken(session.csrf_token);
    return session;
  } catch (error) {
    if (error instanceof ProblemError && error.problem.status === 401) keepToken(null);
    throw error;
  }
}

/**
 * @param {string} key
 * @returns {Promise<import("./types.js").Session>}
 */
export async function signIn(key) {
  const session = await send("POST", "/session", { headers: { "X-API-Key": key } });
  keepToken(session.csrf_token);
  return session;
}

export async function signOut() {
  await send("DELETE", "/session");
  keepToken(null);
}
