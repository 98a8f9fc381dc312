import { CHOICE } from "../choices.ts";
import type { Case, Mark } from "../corpus/types.ts";
import { judge } from "../judge.ts";
import type { Event, Granularity, Limits } from "../protocol.ts";
import type { Outcome, Verdict } from "../verdict.ts";
import { describeDifference, describeEvents, describeStep } from "./describe.ts";
import type { FailureGroup, Report } from "./report.ts";
import { quote } from "./shell.ts";
import { type Stream, streamOf } from "./stream.ts";

/** Steps that are kept around the one that differs. */
const STEPS = 12;

/** One step of a failed case, in words. */
export interface FailureStep {
  readonly index: number;
  readonly sent: string;
  /** Bytes of the stream fed until here. */
  readonly position: number;
  readonly agreed: boolean;
  readonly expected: string;
  readonly actual: string;
}

/** Everything that a page about one failure shows: the `failures` of `--json`, and what the HTML report reads. */
export interface Failure {
  readonly id: string;
  readonly vector: string;
  readonly profile: string;
  readonly verdict: Verdict;
  /** Further cases of this vector with this verdict. */
  readonly more: number;
  readonly repeat: string;
  readonly problem?: string;
  readonly text?: string;
  /** Events of the answer that are nowhere in the report, in words. */
  readonly omitted?: string;
  /** The last lines of the link. */
  readonly record?: readonly string[];
  readonly why?: string;
  readonly rules: readonly string[];
  readonly sibling?: string;
  readonly role?: string;
  readonly limits?: Limits;
  /** The bytes that were fed, up to 4,096 of them, with the places where one read ends and the next begins. */
  readonly stream?: {
    readonly hex: string;
    readonly total: number;
    readonly cuts: readonly number[];
    /** Where there are several: the bytes of one stand behind those of the other. */
    readonly connections?: number;
  };
  readonly marks: readonly Mark[];
  /** Where an encoder's bytes differ. */
  readonly encoded?: { readonly expected: string; readonly actual: string };
  /** The step that differs, and how much was fed before it. */
  readonly step?: number;
  readonly good?: { readonly step: number; readonly position: number; readonly events: number };
  /** Steps of the case, of which `steps` are those around the difference. */
  readonly stepsInAll: number;
  readonly steps: readonly FailureStep[];
}

export function failureOf({ first, more }: FailureGroup, report: Report): Failure {
  const { id, profile, verdict, case: about, omitted, difference, text, record } = first;
  return {
    id,
    vector: about?.vector ?? id,
    profile,
    verdict,
    more,
    repeat: repeatOf(report, id),
    ...(difference !== undefined && { problem: difference.problem, step: difference.step }),
    ...(text !== undefined && text !== "" && { text }),
    ...(omitted !== undefined && { omitted: omittedText(omitted) }),
    ...(record !== undefined && record.length > 0 && { record }),
    ...(about === undefined ? { rules: [], marks: [], steps: [], stepsInAll: 0 } : evidence(about, first, report)),
  };
}

type Evidence = Omit<Failure, "id" | "vector" | "profile" | "verdict" | "more" | "repeat">;

export const omittedText = (omitted: number) => `${omitted === 1 ? "1 event" : `${omitted} events`} behind those shown`;

/** The command that repeats one case; a vector of which no case is wrong by itself, with all its cases. */
export const repeatOf = ({ command, seed }: Report, id: string) =>
  `${command} --filter ${quote(id.endsWith(CHOICE) ? id.slice(0, -CHOICE.length) : id)} --seed ${quote(seed)}`;

function evidence(about: Case, { difference, actual }: Outcome, { granularity }: Report): Evidence {
  const stream = streamOf(about);
  const step = difference?.step;
  const { bytes, total, cuts, connections } = stream;
  const several = connections > 1 && { connections };
  return {
    why: about.why,
    rules: about.rules,
    role: about.role,
    limits: about.limits,
    marks: about.marks,
    ...(about.sibling !== undefined && { sibling: about.sibling }),
    ...(total > 0 && { stream: { hex: bytes.toHex(), total, cuts, ...several } }),
    ...(difference !== undefined && encoded(about.expected, actual, difference)),
    ...(step !== undefined && step > 0 && { good: lastGood(about, stream, step) }),
    stepsInAll: about.steps.length,
    steps: stepsAround(about, stream, step, actual, granularity),
  };
}

function encoded(
  expected: Case["expected"],
  actual: Outcome["actual"],
  { step, index }: NonNullable<Outcome["difference"]>,
): Pick<Failure, "encoded"> {
  const want = hexOf(expected[step]?.[index]);
  const got = hexOf(actual?.[step]?.[index]);
  return want === undefined || got === undefined ? {} : { encoded: { expected: want, actual: got } };
}

const hexOf = (event: Event | undefined) => (event?.event === "bytes" && "hex" in event ? event.hex : undefined);

function lastGood({ expected }: Case, { ends }: Stream, step: number): NonNullable<Failure["good"]> {
  const events = expected.slice(0, step).reduce((sum, list) => sum + list.length, 0);
  return { step: step - 1, position: ends[step - 1] ?? 0, events };
}

function stepsAround(
  { steps, expected }: Case,
  { ends }: Stream,
  step: number | undefined,
  actual: Outcome["actual"],
  granularity: Granularity,
): FailureStep[] {
  const from = Math.max(0, Math.min((step ?? 0) - STEPS / 2, steps.length - STEPS));
  return steps.slice(from, from + STEPS).map((sent, i) => {
    const index = from + i;
    const want = expected[index] ?? [];
    const got = actual?.[index] ?? [];
    const agreed = actual !== undefined && judge([want], [got], granularity) === null;
    const [wanted, came] = actual === undefined ? [describeEvents(want), "no answer"] : describeDifference(want, got);
    return { index, sent: describeStep(sent), position: ends[index] ?? 0, agreed, expected: wanted, actual: came };
  });
}
