import type { Event, Events } from "../protocol.ts";
import type { CaseReport, JsonReport } from "../report/report.ts";

/** What a comparison reads of a report; one of `--json` has it all. */
export type Compared = Pick<JsonReport, "iut" | "corpus" | "summary" | "selection" | "cases">;

/** What one implementation said to a case. Two of the same key are the same answer, whatever the verdict. */
export interface Said {
  readonly key: string;
  readonly verdict: CaseReport["verdict"];
  /** Of an answer that is right by an alternative of the vector: its reason. */
  readonly alternative?: string;
  /** Of a wrong answer; a right one has those of the corpus. */
  readonly events?: Events;
  readonly omitted?: number;
  /** Where there are no events: what happened. */
  readonly text?: string;
}

/** The key of what the corpus expects. */
export const EXPECTED = "as expected";

/** Undefined where it was not asked, or declined, or the harness failed: that is no answer. */
export function saidOf({ id, verdict, actual, omitted, alternative, text }: CaseReport): Said | undefined {
  if (verdict === "declined" || verdict === "not applicable" || verdict === "harness error") return undefined;
  if (verdict === "pass" || verdict === "fixed") {
    if (alternative === undefined) return { key: EXPECTED, verdict };
    return { key: `alternative: ${alternative}`, verdict, alternative };
  }
  if (actual !== undefined) {
    const events = actual.map((list) => list.map(withoutText));
    const cut = omitted === undefined ? {} : { omitted };
    return { key: JSON.stringify([events, omitted ?? 0]), verdict, events, ...cut };
  }
  // The harness's own words of a scenario are compared; those of an implementation never are. r[iut.judge.exact]
  const own = id.startsWith("wire/") && verdict === "fail";
  return { key: own ? `${verdict}: ${text ?? ""}` : nameOf(verdict), verdict, ...(text !== undefined && { text }) };
}

/** A case that is known to fail, and has no events, was answered "errored" as any other. */
const nameOf = (verdict: Said["verdict"]) => (verdict === "known-fail" || verdict === "warn" ? "fail" : verdict);

function withoutText(event: Event): Event {
  if (event.event !== "error") return event;
  const { text: _, ...rest } = event;
  return rest;
}
