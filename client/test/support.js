// What several tests use: real time held still, a source of chance that can be had again.

import { mock } from "node:test";
import fc from "fast-check";

const { RUNS } = process.env;
if (!RUNS) fc.configureGlobal({ seed: 4 });

/** How often a property is tried: the same `few` every time, so that a change is judged by what it changed. `RUNS=2000`
 * explores, from another seed each time. @param {number} few */
export const runs = (few) => Number(RUNS ?? few);

/** Time stands still until `advance`. Ends with `mock.timers.reset()`. */
export function holdTime() {
  mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"], now: 1_800_000_000_000 });
}

/** Let promises that are due go on. */
export async function settled() {
  for (let i = 0; i < 30; i++) await Promise.resolve();
  await new Promise((resolve) => setImmediate(resolve));
}

/** @param {number} ms @param {number} [step] */
export async function advance(ms, step = ms) {
  await settled();
  for (let left = ms; left > 0; left -= step) {
    mock.timers.tick(Math.min(step, left));
    await settled();
  }
}

/** Mulberry32: numbers from 0 to 1, the same for the same seed. @param {number} seed */
export function chance(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** @param {number} number @param {Partial<import("../model.js").Comment>} [more] @returns {import("../model.js").Comment} */
export function comment(number, more = {}) {
  const id = String(number).padStart(6, "0");
  return { id, user: { id: "ada", name: "Ada" }, text: `says ${number}`, created_at: Date.now(), offset: null, ...more };
}

/**
 * All that a feed tells, in order, as [type, detail].
 * @param {import("../emitter.js").Emitter} emitter @param {string[]} types
 */
export function recorded(emitter, ...types) {
  /** @type {[string, any][]} */
  const told = [];
  for (const type of types) emitter.on(type, (detail) => told.push([type, detail]));
  return told;
}

/**
 * For what is asserted in a listener: an EventTarget keeps what it throws from whoever told it something. `check` throws the
 * first fault.
 */
export function faults() {
  /** @type {unknown} */
  let first;
  return {
    /** @param {(detail: any) => void} listener @returns {(detail: any) => void} */
    kept: (listener) => (detail) => {
      try {
        listener(detail);
      } catch (error) {
        first ??= error;
      }
    },
    check() {
      if (first) throw first;
    },
  };
}
