import { createHash } from "node:crypto";
import type { Hello } from "../protocol.ts";
import { count, type Outcome } from "../verdict.ts";
import { caseReport, HARNESS, type Report, type Selection } from "./report.ts";

/** What the header of a stream says of a run before its first case. */
export interface Beginning {
  readonly corpus: Report["corpus"];
  readonly seed: string;
  readonly selection: Selection;
}

/**
 * The run as JSON Lines: a header, each case when it ends, a footer. Cases stand in the corpus' order and no line has a time
 * in it, so that the same IUT, corpus and seed give the same bytes: the certificate has their hash. r[iut.events.order]
 */
export class EventStream {
  readonly #sink: (text: string) => void;
  readonly #hash = createHash("sha256");
  readonly #beginning: Beginning;
  #lines = 0;

  constructor(beginning: Beginning, sink: (text: string) => void = () => {}) {
    this.#beginning = beginning;
    this.#sink = sink;
  }

  /** Without a hello where the IUT never said one. */
  header(hello: Hello | undefined): void {
    if (this.#lines > 0) return;
    const { corpus, seed, selection } = this.#beginning;
    this.#write({
      type: "header",
      stream: 1,
      harness: HARNESS,
      corpus,
      seed,
      selection,
      iut: hello?.iut ?? null,
      capabilities: hello?.capabilities ?? [],
      error_granularity: hello?.error_granularity ?? "class",
    });
  }

  /** Comes in the corpus' order. */
  settle(outcome: Outcome): void {
    this.#write({ type: "case", profile: outcome.profile, ...caseReport(outcome) });
  }

  /** The end. Returns what a certificate says of the stream. */
  footer(report: Report): { readonly sha256: string; readonly lines: number } {
    this.header(undefined);
    const { exit, outcomes, notRun, baseline, contradictions, trouble } = report;
    this.#write({
      type: "footer",
      exit,
      counts: count(outcomes),
      not_run: Object.fromEntries(notRun),
      baseline: baseline.map(({ kind, entry }) => ({ kind, pattern: entry.pattern })),
      ...(contradictions.length > 0 && { contradictions }),
      ...(trouble !== undefined && { trouble }),
    });
    return { sha256: this.#hash.digest("hex"), lines: this.#lines };
  }

  #write(line: object): void {
    const text = `${JSON.stringify(line)}\n`;
    this.#lines++;
    this.#hash.update(text);
    this.#sink(text);
  }
}
