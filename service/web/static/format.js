/** Numbers for people. British English; an unknown number stays unknown. */

const whole = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 });

/** @param {number} value */
export const count = (value) => whole.format(value);

/**
 * 184320 -> "180 KiB".
 * @param {number} value
 */
export function bytes(value) {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  let size = value;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${unit && size < 10 ? size.toFixed(1) : count(size)} ${units[unit]}`;
}

/**
 * A probability, never rounded up to certainty or down to impossibility: 0.9996 -> "over 99.9 %".
 * @param {number} value
 */
export function chance(value) {
  if (value >= 1) return "100 %";
  if (value <= 0) return "0 %";
  if (value > 0.999) return "over 99.9 %";
  if (value < 0.001) return "under 0.1 %";
  return value >= 0.99 || value < 0.01 ? `${(value * 100).toFixed(1)} %` : `${Math.round(value * 100)} %`;
}

/** @param {number} value  a share, 0..1 */
export const share = (value) => `${Math.round(value * 100)} %`;

/** @param {number} value */
export const decimal = (value) => value.toFixed(2);

/** @param {number} value  milliseconds */
export const milliseconds = (value) => (value >= 1000 ? `${(value / 1000).toFixed(2)} s` : `${value < 10 ? value.toFixed(1) : count(value)} ms`);

/**
 * "JPEG · 1,024 × 768 px · 180 KiB · sharpness 0.80", of what is known.
 * @param {import("./types.js").Facts} facts
 */
export function facts(facts) {
  const parts = [];
  if (facts.format) parts.push(facts.format);
  if (facts.width && facts.height) parts.push(`${count(facts.width)} × ${count(facts.height)} px`);
  if (typeof facts.bytes === "number") parts.push(bytes(facts.bytes));
  if (typeof facts.quality?.sharpness === "number") parts.push(`sharpness ${decimal(facts.quality.sharpness)}`);
  return parts.join(" · ");
}

/** @param {string[]} words */
export const sentenceList = (words) => new Intl.ListFormat("en-GB", { type: "conjunction" }).format(words);

/**
 * "a picture" / "2 pictures".
 * @param {number} number
 * @param {string} one
 * @param {string} many
 */
export const plural = (number, one, many) => (number === 1 ? `1 ${one}` : `${count(number)} ${many}`);
