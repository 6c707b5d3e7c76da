/**
 * The pictures chosen on this page, checked one after another.
 *
 * An item is never dropped because a call failed: it stays, with its problem, until it is checked or cleared. When the
 * service asks for a key the queue pauses with the item first in line, and goes on after `resume`.
 */

import { checkDuplicate, problemOf } from "./api.js";

/**
 * @typedef {object} Item
 * @property {number} id
 * @property {File} file
 * @property {string} url  a blob URL of the file
 * @property {import("./types.js").Point} point
 * @property {"waiting"|"checking"|"done"|"failed"} state
 * @property {number} progress  share of the file sent
 * @property {import("./types.js").Answer|null} answer
 * @property {import("./types.js").Problem|null} problem
 * @property {Collecting} collecting
 *
 * @typedef {object} Collecting  what the person chose for adding it, and how that went
 * @property {string} externalId
 * @property {import("./types.js").OnDuplicate} onDuplicate
 * @property {"idle"|"sending"|"added"|"refused"|"failed"} state
 * @property {import("./types.js").Added|null} added
 * @property {import("./types.js").Problem|null} problem
 */

export class Queue extends EventTarget {
  /** @type {Item[]} */
  items = [];
  paused = false;
  #running = false;
  #next = 1;

  /**
   * @param {File[]} files
   * @param {import("./types.js").Point} point
   * @returns {Item[]} the new items
   */
  add(files, point) {
    const added = files.map((file) => this.#item(file, point));
    this.items.push(...added);
    for (const item of added) this.#changed(item);
    void this.#run();
    return added;
  }

  /** @param {Item} item @param {import("./types.js").Point} point */
  again(item, point) {
    if (item.state === "checking") return;
    Object.assign(item, { point, state: "waiting", progress: 0, problem: null });
    this.#changed(item);
    void this.#run();
  }

  resume() {
    this.paused = false;
    void this.#run();
  }

  clear() {
    const busy = this.items.filter((item) => item.state === "checking" || item.collecting.state === "sending");
    for (const item of this.items) if (!busy.includes(item)) URL.revokeObjectURL(item.url);
    this.items = busy;
  }

  async #run() {
    if (this.#running) return;
    this.#running = true;
    for (let item = this.#first(); item; item = this.#first()) await this.#check(item);
    this.#running = false;
  }

  #first() {
    return this.paused ? undefined : this.items.find((item) => item.state === "waiting");
  }

  /** @param {Item} item */
  async #check(item) {
    item.state = "checking";
    this.#changed(item);
    try {
      item.answer = await checkDuplicate(item.file, item.point, (share) => {
        item.progress = share;
        this.#changed(item);
      });
      item.state = "done";
    } catch (error) {
      item.problem = problemOf(error);
      this.paused = item.problem.status === 401;
      item.state = this.paused ? "waiting" : "failed";
      if (this.paused) this.dispatchEvent(new Event("key-needed"));
    }
    this.#changed(item);
  }

  /** @param {Item} item */
  #changed(item) {
    this.dispatchEvent(new CustomEvent("change", { detail: item }));
  }

  /** @param {File} file @param {import("./types.js").Point} point @returns {Item} */
  #item(file, point) {
    return {
      id: this.#next++,
      file,
      url: URL.createObjectURL(file),
      point,
      state: "waiting",
      progress: 0,
      answer: null,
      problem: null,
      collecting: { externalId: file.name, onDuplicate: "store", state: "idle", added: null, problem: null },
    };
  }
}
