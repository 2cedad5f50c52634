// When what was said stands on the screen. Times are those of Date.now(): whole ms of the clock that all pages share.

const MOST = 20_000; // samples; room for them is taken beforehand, so that they make no heap grow

/**
 * Calls back when what is in the page now has been painted: the second frame from here begins when the first has gone to
 * the screen, up to 17 ms late and never early.
 * @param {() => void} call
 */
export function painted(call) {
  requestAnimationFrame(() => requestAnimationFrame(call));
}

/**
 * A comment's number and its stamp, which stand in its text as the load programs write them, "~12.1760000000000000~". The
 * stamp is in thousandths: of ms where it says when a comment was due, of seconds where it is a place in a recording.
 * @param {Node} row
 */
export function stampOf(row) {
  const found = /~(\d+)\.(\d+)~/.exec(row.textContent ?? "");
  return found ? { number: Number(found[1]), stamp: Number(found[2]) / 1000 } : undefined;
}

/** The list in the component. @param {HTMLElement} element */
export function list(element) {
  return /** @type {HTMLElement} */ (element.shadowRoot?.querySelector(".list > ol"));
}

/** Looks at a list: how late each comment is painted, counted from its stamp. */
export class Sight {
  #numbers = new Int32Array(MOST);
  #arrivals = new Float64Array(MOST); // when it stood in the page
  #delays = new Float64Array(MOST);
  #count = 0; // that stand in the page
  #painted = 0;
  #long = new Float64Array(2 * MOST); // tasks over 50 ms: start and duration
  #longs = 0;

  /** @param {HTMLElement} rows @param {HTMLElement} scroller @param {number} zero ms by Date.now() when the stamps' clock began */
  constructor(rows, scroller, zero) {
    this.scroller = scroller;
    this.zero = zero;
    new MutationObserver((records) => this.#see(records)).observe(rows, { childList: true });
    new PerformanceObserver((entries) => {
      for (const { startTime, duration } of entries.getEntries()) {
        this.#long.set([startTime, duration], 2 * this.#longs++);
      }
    }).observe({ type: "longtask", buffered: true });
  }

  /** @param {MutationRecord[]} records */
  #see(records) {
    const left = new Set(records.flatMap(({ removedNodes }) => [...removedNodes]));
    for (const { addedNodes } of records) {
      for (const row of addedNodes) {
        const found = stampOf(row);
        if (!found || left.has(row)) continue; // one's own comment may be moved once it is kept
        const place = this.#count++;
        this.#numbers[place] = found.number;
        this.#arrivals[place] = Date.now() - this.zero - found.stamp;
        painted(() => {
          this.#delays[place] = Date.now() - this.zero - found.stamp;
          this.#painted++;
        });
      }
    }
  }

  /** Once so many were painted, or after so many ms all the same. @param {[number, number]} request */
  async until([count, patience]) {
    const end = performance.now() + patience;
    while (this.#painted < count && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 50));
    return this.#result;
  }

  /** Everything so far; `atEnd`: the list shows its newest, so that what came was in sight. */
  get #result() {
    const { clientHeight, scrollHeight, scrollTop } = this.scroller;
    const [numbers, arrivals, delays] = [this.#numbers, this.#arrivals, this.#delays].map((all) => [...all.slice(0, this.#painted)]);
    const longTasks = Array.from({ length: this.#longs }, (_, i) => [...this.#long.slice(2 * i, 2 * i + 2)]);
    return { numbers, arrivals, delays, longTasks, atEnd: scrollHeight - clientHeight - scrollTop < 4 };
  }
}

/**
 * Posts through the component at times fixed beforehand, which are the stamps: a page that is late can't hide it. Resolves
 * when all are kept.
 * @param {any} element @param {number} rate a second @param {number} seconds
 */
export async function posted(element, rate, seconds) {
  const begin = Date.now() + 100;
  const answers = [];
  for (let number = 0; number < rate * seconds; number++) {
    const due = Math.round(begin + (number * 1000) / rate);
    while (Date.now() < due) await new Promise((resolve) => setTimeout(resolve, due - Date.now()));
    answers.push(element.post(`~${number}.${due * 1000}~ what a goal, did you see how he turned there? unbelievable`));
  }
  await Promise.all(answers);
}
