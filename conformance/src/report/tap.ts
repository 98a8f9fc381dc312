import { describeContradiction } from "../contradictions.ts";
import type { Outcome } from "../verdict.ts";
import { failurePage } from "./failure-page.ts";
import { paint } from "./paint.ts";
import { failuresOf, notRunText, type Report } from "./report.ts";

/** A description or a directive's text: one line, and no character that TAP would take for its own. */
const plain = (text: string) => text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, " ").replaceAll(/[\\#]/g, "\\$&");

/**
 * Both versions of TAP that are in use read what follows in the same way: a harness of version 14 takes version 13 too, and `prove` knows
 * 14 only since Test::Harness 3.48. The escapes of version 14 are those that `prove` has always had.
 */
const HEADER = "TAP version 13";

/** TAP, by version 13 and 14 at once. What did not apply or was declined is skipped, a known failure is a TODO, a trouble bails out. */
export function tap(report: Report): string {
  const paged = new Set(failuresOf(report).map(({ first }) => first));
  const { outcomes, notRun, baseline, contradictions, trouble } = report;
  const lines = [HEADER, `1..${outcomes.length + notRun.size + baseline.length}`];
  let number = 0;
  for (const outcome of outcomes) lines.push(...point(++number, outcome, paged.has(outcome) ? report : undefined));
  for (const [profile, left] of notRun) {
    lines.push(`not ok ${++number} - ${plain(profile)}`, ...block({ verdict: "not run", message: notRunText(left) }));
  }
  for (const { kind, entry, text } of baseline) {
    lines.push(`not ok ${++number} - baseline ${plain(entry.pattern)}`, ...block({ verdict: kind, message: text }));
  }
  // A comment, since it changes no verdict. r[iut.contradiction.shown]
  for (const one of contradictions) lines.push(`# contradiction: ${plain(describeContradiction(one))}`);
  if (trouble !== undefined) lines.push(`Bail out! ${plain(trouble)}`);
  return `${lines.join("\n")}\n`;
}

function point(number: number, outcome: Outcome, report: Report | undefined): string[] {
  const { id, verdict, text = "", difference } = outcome;
  const name = `${number} - ${plain(id)}`;
  switch (verdict) {
    case "pass":
      return [`ok ${name}`];
    case "warn":
      return [`ok ${name}`, ...block({ verdict, message: difference?.problem ?? text })];
    case "declined":
    case "not applicable":
      return [`ok ${name} # SKIP ${plain(`${verdict}: ${text}`)}`];
    case "known-fail":
      return [`not ok ${name} # TODO ${plain(text)}`];
    default: {
      // Of a vector that fails in many sweeps one page is enough.
      const page = report === undefined ? [] : failurePage({ first: outcome, more: 0 }, report, paint(false));
      return [`not ok ${name}`, ...block({ verdict, message: difference?.problem ?? text }, page)];
    }
  }
}

/** A YAML block; its values are JSON strings, which YAML reads as they are. */
function block(fields: Readonly<Record<string, string>>, page: readonly string[] = []): string[] {
  const lines = Object.entries(fields).map(([name, value]) => `  ${name}: ${JSON.stringify(value)}`);
  if (page.length > 0) {
    lines.push("  page:", ...page.map((line) => `    - ${JSON.stringify(line)}`));
  }
  return ["  ---", ...lines, "  ..."];
}
