/** The first page: pictures come in, verdicts come out. Wires the modules together and holds which picture is open. */

import { problemOf, stats } from "./api.js";
import { againWords, showDetail } from "./detail.js";
import { byId, el, fill } from "./dom.js";
import * as format from "./format.js";
import { watchIntake } from "./intake.js";
import { showList } from "./list.js";
import { Queue } from "./queue.js";
import { askForKey, startSession } from "./session.js";
import { spoken } from "./verdict.js";

/** @typedef {import("./queue.js").Item} Item */

const queue = new Queue();
/** @type {Item|null} */
let open = null;

const point = () => /** @type {import("./types.js").Point} */ (/** @type {HTMLInputElement} */ (document.querySelector("input[name=point]:checked")).value);

function draw() {
  byId("work").hidden = queue.items.length === 0;
  document.documentElement.classList.toggle("at-work", queue.items.length > 0);
  showList(queue.items, open, openItem);
  showDetail(open, {
    again: () => open && queue.again(open, point()),
    point,
    added: () => {
      draw();
      void showStats();
    },
    keyNeeded: askForKey,
  });
}

/** @param {Item} item */
function openItem(item) {
  open = item;
  draw();
  const detail = byId("detail");
  detail.focus({ preventScroll: true });
  bringUp(detail);
}

/** @param {File[]} files @param {number} folders */
function take(files, folders) {
  notice(folders ? "Folders are not read here. Choose the pictures in them, or hand a folder to the command line: keepone ingest PATH." : "");
  if (files.length === 0) return;
  const followed = !open || queue.items.every((item) => item.state === "done" || item.state === "failed");
  const [first] = queue.add(files, point());
  if (followed && first) open = first; // somebody waiting for a verdict keeps looking at it
  draw();
  bringUp(byId("work"));
}

/**
 * Scroll only when the top of it is not in sight.
 * @param {HTMLElement} node
 */
function bringUp(node) {
  const { top } = node.getBoundingClientRect();
  if (top < 0 || top > innerHeight / 2) node.scrollIntoView({ block: "start" });
}

/** @param {string} words */
function notice(words) {
  const place = byId("notice");
  place.hidden = !words;
  place.textContent = words;
}

async function showStats() {
  try {
    const { images, contents, bytes_saved: saved } = await stats();
    const pairs = [
      [images === 1 ? "picture" : "pictures", format.count(images)],
      [contents === 1 ? "distinct file" : "distinct files", format.count(contents)],
      ["saved", typeof saved === "number" ? format.bytes(saved) : "not known"],
    ];
    fill(byId("stats"), ...pairs.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
    byId("first-step").hidden = images > 0;
  } catch (error) {
    fill(byId("stats")); // a missing number is no reason to stop somebody who came to check a picture
    if (problemOf(error).status === 401) askForKey();
  }
}

queue.addEventListener("change", (event) => {
  const item = /** @type {CustomEvent<Item>} */ (event).detail;
  if (item.state === "done" && item.answer) byId("announce").textContent = spoken(item.file.name, item.answer);
  if (item.state === "failed" && item.problem) byId("announce").textContent = `${item.file.name}: ${item.problem.title}`;
  draw();
});
queue.addEventListener("key-needed", askForKey);
byId("points").addEventListener("change", () => {
  if (open?.state === "done") byId("again").textContent = againWords(open, point());
});
byId("clear").addEventListener("click", () => {
  queue.clear();
  open = queue.items[0] ?? null;
  draw();
  byId("files").focus();
});

watchIntake(take);
await startSession(() => {
  queue.resume();
  void showStats();
});
