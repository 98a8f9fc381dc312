import type { Tape } from "../capture/tape.ts";

/** Lines that are kept of one scenario: its end, which is where it went wrong. */
const LINES = 80;

interface Line {
  readonly conn: string;
  what: string;
  /** For runs of bytes that follow each other: how often, and how many bytes. */
  readonly key?: string;
  times: number;
  bytes: number;
}

/** What happened on the connections of a scenario, in order: who wrote, read or closed what, and at which byte. */
export class Timeline {
  /** Where the bytes go too, of a run that is captured. */
  readonly tape: Tape | undefined;
  readonly #lines: Line[] = [];
  #dropped = 0;

  constructor(tape?: Tape) {
    this.tape = tape;
  }

  add(conn: string, what: string): void {
    this.#push({ conn, what, times: 1, bytes: 0 });
  }

  /** Bytes that went one way, up to byte `to` of that direction; what follows on without anything between is one line. */
  moved(conn: string, who: string, bytes: number, to: number): void {
    const last = this.#lines.at(-1);
    const same = last?.conn === conn && last.key === who;
    const line = same ? last : { conn, what: "", key: who, times: 0, bytes: 0 };
    line.times++;
    line.bytes += bytes;
    const pieces = line.times === 1 ? "" : ` in ${line.times} pieces`;
    line.what = `${who} ${line.bytes} ${line.bytes === 1 ? "byte" : "bytes"}${pieces}, to byte ${to}`;
    if (!same) this.#push(line);
  }

  lines(): string[] {
    const lines = this.#lines.map(({ conn, what }) => `${conn}  ${what}`);
    return this.#dropped === 0 ? lines : [`… ${this.#dropped} lines before`, ...lines];
  }

  #push(line: Line): void {
    this.#lines.push(line);
    if (this.#lines.length <= LINES) return;
    this.#lines.shift();
    this.#dropped++;
  }
}

/** Names with how often each stands behind the other: `message, 512 × message, end`. */
export function inRuns(names: readonly string[]): string {
  const runs: { name: string; times: number }[] = [];
  for (const name of names) {
    const last = runs.at(-1);
    if (last?.name === name) last.times++;
    else runs.push({ name, times: 1 });
  }
  return runs.map(({ name, times }) => (times === 1 ? name : `${times} × ${name}`)).join(", ");
}
