import { LINE_LIMIT } from "../protocol.ts";

/** What came on the link is no line of JSON: too long, or not UTF-8. */
export class LineError extends Error {
  override readonly name = "LineError";
}

const LF = 0x0a;

/**
 * Cuts a stream of bytes into lines at LF, each without its LF. The cost is linear in bytes and chunks however they
 * fall, and no more than one line is held: a longer one is an error as soon as it shows. r[iut.link.line-limit]
 */
export class LineReader {
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });
  #parts: Uint8Array[] = [];
  #held = 0;

  /** The lines that this chunk completes. */
  push(chunk: Uint8Array): string[] {
    const lines: string[] = [];
    let from = 0;
    for (let lf = chunk.indexOf(LF); lf !== -1; lf = chunk.indexOf(LF, from)) {
      lines.push(this.#line(chunk.subarray(from, lf)));
      from = lf + 1;
    }
    if (from < chunk.length) {
      this.#bound(chunk.length - from + 1);
      this.#parts.push(chunk.subarray(from));
      this.#held += chunk.length - from;
    }
    return lines;
  }

  /** Bytes of a line that has not ended. */
  get held(): number {
    return this.#held;
  }

  #bound(more: number): void {
    if (this.#held + more > LINE_LIMIT) throw new LineError(`a line is longer than ${LINE_LIMIT} bytes`);
  }

  #line(tail: Uint8Array): string {
    this.#bound(tail.length + 1);
    let bytes = tail;
    if (this.#held > 0) {
      bytes = new Uint8Array(this.#held + tail.length);
      let at = 0;
      for (const part of this.#parts) {
        bytes.set(part, at);
        at += part.length;
      }
      bytes.set(tail, at);
      this.#parts = [];
      this.#held = 0;
    }
    try {
      return this.#decoder.decode(bytes);
    } catch {
      throw new LineError("a line is not UTF-8");
    }
  }
}
