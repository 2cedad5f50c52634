/** An EventTarget with a shorter way to tell. */
export class Emitter extends EventTarget {
  /** @param {string} type @param {unknown} [detail] */
  emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /**
   * Listen, with what was told rather than its envelope; `signal` ends it.
   * @param {string} type @param {(detail: any) => void} tell @param {AbortSignal} [signal]
   */
  on(type, tell, signal) {
    this.addEventListener(type, (event) => tell(/** @type {CustomEvent} */ (event).detail), signal ? { signal } : {});
    return this;
  }
}
