/** The three ways in: choosing files, dropping them anywhere on the page, pasting from the clipboard. */

import { byId } from "./dom.js";

/** @param {(files: File[], skippedFolders: number) => void} take */
export function watchIntake(take) {
  const input = /** @type {HTMLInputElement} */ (byId("files"));
  input.addEventListener("change", () => {
    take([...(input.files ?? [])], 0);
    input.value = ""; // so that choosing the same file again is a change again
  });

  let depth = 0; // dragenter and dragleave also fire for every child crossed
  /** @param {boolean} over */
  const show = (over) => document.documentElement.classList.toggle("dropping", over);
  addEventListener("dragenter", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    depth += 1;
    show(true);
  });
  addEventListener("dragover", (event) => {
    if (carriesFiles(event)) event.preventDefault();
  });
  addEventListener("dragleave", () => {
    depth = Math.max(0, depth - 1);
    show(depth > 0);
  });
  addEventListener("drop", (event) => {
    depth = 0;
    show(false);
    if (!carriesFiles(event)) return;
    event.preventDefault();
    const { files, folders } = dropped(event.dataTransfer);
    take(files, folders);
  });

  addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length === 0) return; // text pasted into a field is none of our business
    event.preventDefault();
    take(files, 0);
  });
}

/** @param {DragEvent} event */
const carriesFiles = (event) => event.dataTransfer?.types.includes("Files") ?? false;

/**
 * A dropped folder looks like a file that cannot be read, so it is told apart here.
 * @param {DataTransfer|null} transfer
 * @returns {{files: File[], folders: number}}
 */
function dropped(transfer) {
  const files = [];
  let folders = 0;
  for (const item of transfer?.items ?? []) {
    if (item.kind !== "file") continue;
    const file = item.getAsFile();
    if (item.webkitGetAsEntry()?.isDirectory) folders += 1;
    else if (file) files.push(file);
  }
  return { files, folders };
}
