import type { Outcome } from "./verdict.ts";

/** Events of a step that are kept beyond those that were expected. */
const MORE = 4;

/**
 * An outcome with what its page shows: of the events of a step as many as were expected, those up to the difference, and a few more. An
 * implementation that never empties its list would else have the harness keep, and write, the square of its cases. What is cut stays longer
 * than what was expected, and so never agrees with it.
 */
export function trimmed(outcome: Outcome): Outcome {
  const { actual, difference, case: about } = outcome;
  if (actual === undefined || about === undefined) return outcome;
  let omitted = 0;
  const kept = actual.map((events, step) => {
    const expected = about.expected[step]?.length ?? 0;
    const seen = difference?.step === step ? difference.index + 1 : 0;
    const most = Math.max(expected, seen) + MORE;
    omitted += Math.max(0, events.length - most);
    return events.slice(0, most);
  });
  return omitted === 0 ? outcome : { ...outcome, actual: kept, omitted };
}
