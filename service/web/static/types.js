/**
 * What the API answers, as far as the page reads it (the contract is openapi.yaml).
 *
 * @typedef {Record<string, string>} Unknown  why a field is null, under the field's name
 * @typedef {{text: string, weight: number}} Reason
 * @typedef {{action: "keep"|"delete"|"review", keeper?: string|null, reasons?: Reason[]}} Recommendation
 * @typedef {{format?: string, width?: number, height?: number, bytes?: number, quality?: Block}} Facts
 * @typedef {{[field: string]: any, unknown?: Unknown}} Block  evidence, quality or authenticity
 *
 * @typedef {object} Match
 * @property {string} image_id
 * @property {string|null} external_id
 * @property {string} relation
 * @property {string[]} edits
 * @property {string} direction
 * @property {number} probability
 * @property {number|null} similarity
 * @property {Block} evidence
 * @property {{thumbnail?: string}} [links]
 *
 * @typedef {object} Answer
 * @property {"duplicate"|"unique"|"uncertain"} verdict
 * @property {number} probability
 * @property {boolean} [too_little_detail]
 * @property {Recommendation} recommendation
 * @property {Match[]} matches
 * @property {Facts & {sha256: string, authenticity?: Block}} query
 * @property {{sequence: number, size: number, model: string}} [index]
 * @property {Record<string, number>} [timings_ms]
 *
 * @typedef {{links: {change_map: string|null}, why_not: string[], unknown: Unknown}} Comparison
 * @typedef {{title: string, detail?: string, status: number, instance?: string}} Problem
 * @typedef {{csrf_token: string|null, scope: string, expires_at?: string}} Session
 * @typedef {{images: number, contents: number, bytes_saved?: number}} Stats
 * @typedef {{image_id: string, outcome: "stored"|"referenced", references?: number}} Added
 * @typedef {"strict"|"balanced"|"loose"} Point
 * @typedef {"store"|"reference"|"reject"} OnDuplicate
 */
export {};
