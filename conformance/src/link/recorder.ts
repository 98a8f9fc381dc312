const LINES = 12;
const LINE_CHARACTERS = 400;

/** The last lines of a link, both ways, for the page of a failure that is not the codec's. */
export class Recorder {
  readonly #lines: string[] = [];
  #next = 0;

  sent(line: string): void {
    this.#add("→ ", line);
  }

  received(line: string): void {
    this.#add("← ", line);
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
