import type { Case } from "./corpus/types.ts";
import { judge } from "./judge.ts";
import { type Probe, probeOf } from "./probe-frames.ts";
import { type Answer, type Events, LINE_LIMIT, type Step } from "./protocol.ts";
import { seededBytes } from "./random.ts";
import { blame, type Session } from "./session.ts";
import type { Outcome } from "./verdict.ts";

export interface LinkCheckOptions {
  readonly seed: string;
  /** Milliseconds for each request. */
  readonly deadline: number;
  /** Of the declared profiles, those that this run is about. */
  readonly selected: (profile: string) => boolean;
  /** A fresh session, after one was lost to a probe; undefined when there is none to be had. */
  readonly reopen: () => Promise<Session | undefined>;
  /** Hears of each check when it is over. */
  readonly heard?: (check: Checked) => void;
}

/** What one check came to. Behind one that failed, or was declined, no more is asked of that profile; nor of any, where the adapter failed. */
export interface Checked {
  /** `an unknown op`; of a codec its id, `link-check/len64/frame`. */
  readonly check: string;
  readonly verdict: "pass" | "declined" | "fail" | "crash" | "timeout" | "adapter error";
  /** What went wrong. */
  readonly text?: string;
  /** Of a codec: what was sent, and what had to come. */
  readonly case?: Case;
  readonly actual?: Events;
}

export interface LinkCheck {
  /** The session to go on with: the first, or what took its place. */
  readonly session: Session | undefined;
  /** Why no verdict about anything is possible. */
  readonly adapter?: { readonly check: string; readonly text: string; readonly record: readonly string[] };
  /** The first failed probe of each profile whose codec is unusable. */
  readonly codecs: ReadonlyMap<string, Outcome>;
  /** Milliseconds for a small request and for the longest line: what deadlines are scaled by. */
  readonly roundTrip: number;
  readonly longLine: number;
}

class Unusable extends Error {}

/** What must hold before any verdict. r[iut.link-check.adapter] r[iut.link-check.codec] */
export async function checkLink(first: Session, options: LinkCheckOptions): Promise<LinkCheck> {
  const { heard = () => {} } = options;
  let session: Session | undefined = first;
  const codecs = new Map<string, Outcome>();
  let roundTrip = 0;
  let longLine = 0;
  let check = "";
  try {
    for (const probe of adapterProbes(first, options)) {
      check = probe.name;
      const from = performance.now();
      const answer = await probe.ask();
      if (probe.name === LONG_LINE) longLine = performance.now() - from;
      else roundTrip = performance.now() - from;
      if (answer.op !== "declined") {
        const text = answer.op === "errored" ? `: ${answer.text}` : "";
        throw new Unusable(`the only right answer is "declined"; it is "${answer.op}"${text}`);
      }
      heard({ check, verdict: "pass" });
    }
    for (const [profile, declared] of Object.entries(first.hello.profiles)) {
      if (session === undefined || !options.selected(profile) || !declared.roles.includes("decode")) continue;
      const probe = probeOf(profile, options.seed, Number(declared.max_frame_length ?? Number.MAX_SAFE_INTEGER));
      if (probe === undefined) continue;
      for (const scenario of scenarios(profile, probe)) {
        check = scenario.id;
        const outcome: Outcome | "declined" | undefined = await put(session, scenario, options.deadline);
        heard(checked(scenario, outcome));
        if (outcome === undefined) continue;
        if (outcome === "declined") break;
        codecs.set(profile, outcome);
        if (outcome.verdict !== "fail") {
          await session.close();
          session = await options.reopen();
        }
        break;
      }
    }
    return { session, codecs, roundTrip, longLine };
  } catch (error) {
    if (!(error instanceof Unusable) && blame(error) === undefined) throw error;
    const record = session?.link.record.lines() ?? [];
    const text = (error as Error).message;
    heard({ check, verdict: "adapter error", text });
    return { session, adapter: { check, text, record }, codecs, roundTrip, longLine };
  }
}

function checked(about: Scenario, outcome: Outcome | "declined" | undefined): Checked {
  const { exact: _, ...scenario } = about;
  const check = { check: about.id, case: scenario };
  if (outcome === undefined || outcome === "declined") return { ...check, verdict: outcome ?? "pass" };
  const { verdict, difference, text = difference?.problem, actual } = outcome;
  return {
    ...check,
    verdict: verdict === "crash" || verdict === "timeout" ? verdict : "fail",
    ...(text !== undefined && { text }),
    ...(actual !== undefined && { actual }),
  };
}

const LONG_LINE = "one line of 8 MiB";

function* adapterProbes(session: Session, { seed, deadline }: LinkCheckOptions) {
  const word = Buffer.from(seededBytes(seed, "unknown word", 6)).toString("hex");
  const request = { id: "link-check", profile: `x-${word}`, role: "decode", limits: {}, steps: [] } as const;
  if (session.link.wire) {
    yield {
      name: "one request in several segments",
      ask: async () => session.ask(request, { deadline, segments: 5 }),
    };
    // r[iut.request.unknown-field]
    // 60 characters for op and seq, with room to spare: what counts is a line near the bound, and never over it.
    const pad = "x".repeat(LINE_LIMIT - JSON.stringify(request).length - 60);
    yield { name: LONG_LINE, ask: async () => session.ask({ ...request, pad } as typeof request, { deadline }) };
  }
  yield { name: "an unknown op", ask: async () => session.askUnknown(`x-${word}`, { deadline }) };
  yield { name: "an unknown profile", ask: async () => session.ask(request, { deadline }) };
}

interface Scenario extends Case {
  /** Compare the events exactly, or ask only for an error and no message. */
  readonly exact: boolean;
}

function scenarios(profile: string, probe: Probe): Scenario[] {
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
  const scenario = (
    name: string,
    why: string,
    exact: boolean,
    limits: Case["limits"],
    steps: readonly Step[],
    expected: Events,
  ): Scenario => ({
    id: `link-check/${profile}/${name}`,
    vector: `link-check/${profile}/${name}`,
    rules: ["iut.link-check.codec"],
    level: "must",
    profile,
    role: "decode",
    limits,
    steps,
    expected,
    why,
    marks: [],
    exact,
  });
  const error = (word: string, at: number): Events[number] => [
    { event: "error", class: word, at: String(at), fatal: true },
  ];
  return [
    scenario(
      "frame",
      "A frame of fresh random bytes must come back; without that no pass means anything.",
      true,
      {},
      [{ feed: hex(probe.frame) }],
      [[{ event: "message", value: probe.value }]],
    ),
    scenario(
      "cut",
      "A stream that ends inside a prefix must be refused; a decoder that calls it clean loses messages.",
      false,
      {},
      [{ feed: hex(probe.frame.subarray(0, probe.cut)) }, { eof: true }],
      [[], error(probe.cutClass, probe.cut)],
    ),
    scenario(
      "wrong",
      "Bytes to which the only right answer is an error must get one.",
      false,
      probe.wrongLimits,
      [{ feed: hex(probe.wrong) }],
      [error(probe.wrongClass, probe.wrong.length)],
    ),
  ];
}

/** Undefined when the probe came out right. Throws what makes the adapter unusable. */
async function put(session: Session, scenario: Scenario, deadline: number): Promise<Outcome | "declined" | undefined> {
  const { id, profile, role, limits, steps } = scenario;
  const failed = { id, profile, case: scenario };
  let answer: Answer;
  try {
    answer = await session.ask({ id, profile, role, limits, steps }, { deadline });
  } catch (error) {
    const verdict = blame(error);
    if (verdict !== "crash" && verdict !== "timeout") throw error;
    return { ...failed, verdict, text: (error as Error).message, record: session.link.record.lines() };
  }
  if (answer.op === "declined") return "declined";
  if (answer.op === "errored") throw new Unusable(`the adapter answered "errored": ${answer.text}`);
  if (scenario.exact) {
    const difference = judge(scenario.expected, answer.steps, session.hello.error_granularity);
    return difference === null ? undefined : { ...failed, verdict: "fail", actual: answer.steps, difference };
  }
  const events = answer.steps.flat();
  if (events.some(({ event }) => event === "error") && !events.some(({ event }) => event === "message"))
    return undefined;
  const step = scenario.steps.length - 1;
  return {
    ...failed,
    verdict: "fail",
    actual: answer.steps,
    difference: { step, index: 0, problem: "the only right answer is an error, and no message" },
  };
}
