/** One thing that happened on a link, for `--record`. Lines are as they were on the wire, without their LF. */
export type LinkEvent =
  | { readonly sent: string }
  | { readonly received: string }
  | { readonly failed: { readonly kind: string; readonly message: string } };

/** Hears everything that happens on a link. */
export type Tap = (event: LinkEvent) => void;

const LINES = 12;
const LINE_CHARACTERS = 400;

/** The last lines of a link, both ways, for the page of a failure that is not the codec's. */
export class Recorder {
  readonly #lines: string[] = [];
  readonly #tap: Tap | undefined;
  #next = 0;

  constructor(tap?: Tap) {
    this.#tap = tap;
  }

  /** False where nobody listens: a link without lines then need not make any. */
  get tapped(): boolean {
    return this.#tap !== undefined;
  }

  sent(line: string): void {
    this.#add("→ ", line);
    this.#tap?.({ sent: line });
  }

  received(line: string): void {
    this.#add("← ", line);
    this.#tap?.({ received: line });
  }

  failed({ kind, message }: { readonly kind: string; readonly message: string }): void {
    this.#tap?.({ failed: { kind, message } });
  }

  /** Oldest first; long lines are cut, with their length. */
  lines(): string[] {
    const ordered = [...this.#lines.slice(this.#next), ...this.#lines.slice(0, this.#next)];
    return ordered.map((line) =>
      line.length > LINE_CHARACTERS ? `${line.slice(0, LINE_CHARACTERS)}… (${line.length - 2} characters)` : line,
    );
  }

  #add(mark: string, line: string): void {
    this.#lines[this.#next] = mark + line;
    this.#next = (this.#next + 1) % LINES;
  }
}
