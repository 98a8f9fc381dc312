import type { Played } from "../corpus/script.ts";
import type { Plan } from "../corpus/sweeps/plan.ts";
import type { DecodeVector } from "../corpus/vector.ts";
import type { Event, Limits, Probe, ProbeStep, Step } from "../protocol.ts";

/** A case of a probe before it is built. Its first step is one of the probe. r[iut.probe.first] */
export interface ProbePlan extends Plan {
  /** Capabilities; the first names the probe. */
  readonly requires: readonly [Probe, ...Probe[]];
  /** In the place of the vector's own. */
  readonly limits?: Limits;
  readonly half?: () => readonly Step[];
}

/** The streams whose events do not depend on a choice, and whose every message is delivered. */
export function settled({ alternatives, stream }: DecodeVector): boolean {
  return alternatives.length === 0 && stream.borders.length === messagesOf(stream.events).length;
}

export function messagesOf(events: readonly { readonly event: Event }[]): Event[] {
  return events.map(({ event }) => event).filter(({ event }) => event === "message");
}

/** Steps and what each must give, in the order in which they were added. */
export class Tape implements Played {
  readonly steps: Step[] = [];
  readonly expected: Event[][] = [];
  readonly marks: Played["marks"];

  constructor(marks: Played["marks"] = []) {
    this.marks = marks;
  }

  add(step: Step, ...events: Event[]): this {
    this.steps.push(step);
    this.expected.push(events);
    return this;
  }

  /** All steps of `played`; before and after each read what these say. */
  play(played: Played, { before = nothing, after = nothing }: Weave = {}): this {
    let read = 0;
    for (const [i, step] of played.steps.entries()) {
      const fed = "feed" in step || "feed_fill" in step;
      if (fed) for (const extra of before(read)) this.add(extra);
      this.add(step, ...played.expected[i]!);
      if (fed) for (const extra of after(read++)) this.add(extra);
    }
    return this;
  }
}

interface Weave {
  readonly before?: (read: number) => readonly ProbeStep[];
  readonly after?: (read: number) => readonly ProbeStep[];
}

const nothing = (): readonly ProbeStep[] => [];
