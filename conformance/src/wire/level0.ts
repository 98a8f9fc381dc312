import { Tape } from "../capture/tape.ts";
import type { Case } from "../corpus/types.ts";
import { scaledBase } from "../deadlines.ts";
import { LinkError } from "../link/link.ts";
import type { Way } from "../link/ways.ts";
import { type Probe, probeOf } from "../probe-frames.ts";
import type { Hello } from "../protocol.ts";
import type { RunPlan, RunResult } from "../run-plan.ts";
import type { Outcome } from "../verdict.ts";
import { type EchoCase, echoCase, LEAST_LIMIT } from "./echo-cases.ts";
import { EchoTry } from "./echo-try.ts";
import { dialPeer } from "./open.ts";
import { Overdue, type Peer, WireFailure } from "./peer.ts";
import { Timeline } from "./timeline.ts";

/** Connections of one batch: they get their first writes together, then their second ones, and so on. */
const BATCH = 64;
/** Round trips of the canary between two phases, in the place of a pause. */
const TURNS = 2;
/** Milliseconds: endpoints that take more than this for a byte of a batch are too slow to be told from ones that hang. */
const PER_BYTE = 1e-3;

type EchoWay = Extract<Way, { readonly kind: "wire" }>;

/**
 * Level 0: an endpoint that sends back every message in canonical form, and no adapter. There is no barrier, so that the cuts of a
 * batch are paced by the trick of writing all first pieces, letting the endpoint turn once, and writing all second pieces.
 * r[iut.echo.endpoint]
 */
export function runLevel0(plan: RunPlan, way: EchoWay): Promise<RunResult> {
  return new Level0(plan, way).run();
}

class Level0 {
  readonly #plan: RunPlan;
  readonly #way: EchoWay;
  #deadline: { base: number; perByte: number };
  readonly #probe: Probe;
  readonly #outcomes: Outcome[] = [];
  readonly #hidden = new Map<string, number>();
  readonly #closes = { end: 0, reset: 0 };
  #cuts = 0;
  #canary: Peer | undefined;

  constructor(plan: RunPlan, way: EchoWay) {
    this.#plan = plan;
    this.#way = way;
    this.#deadline = { base: plan.checkDeadline, perByte: 0 };
    const limit = way.maxFrameLength ?? LEAST_LIMIT;
    const probe = probeOf(way.profile, plan.welcome.seed, limit);
    if (probe === undefined) throw new LinkError("line", `level 0 has no frames of the profile ${way.profile}`);
    this.#probe = probe;
  }

  async run(): Promise<RunResult> {
    const hello = helloOf(this.#way);
    this.#plan.opened?.(hello);
    let there = await this.#usable();
    let left = 0;
    for (const batch of this.#batches()) {
      if (there) there = await this.#play(batch);
      else left += batch.length;
    }
    const notRun = new Map(left === 0 ? [] : [[this.#way.profile, left]]);
    this.#canary?.close();
    return { hello, adapter: undefined, outcomes: this.#outcomes, notRun, links: 1, restarts: 0, notes: this.#notes() };
  }

  *#batches(): Iterable<EchoCase[]> {
    let batch: EchoCase[] = [];
    for (const about of this.#plan.corpus.cases(this.#plan.filter)) {
      if (about.profile !== this.#way.profile) continue;
      const item = echoCase(about, this.#way.maxFrameLength);
      if (typeof item === "string") {
        this.#hidden.set(item, (this.#hidden.get(item) ?? 0) + 1);
        const { id, profile } = about;
        this.#settle({
          id,
          profile,
          verdict: "not applicable",
          case: about,
          text: `not observable at level 0: ${item}`,
        });
        continue;
      }
      batch.push(item);
      if (batch.length < BATCH) continue;
      yield batch;
      batch = [];
    }
    if (batch.length > 0) yield batch;
  }

  /** A fresh random frame must come back, and one that is cut must not. Without that no verdict means anything. */
  async #usable(): Promise<boolean> {
    const { frame, cut } = this.#probe;
    this.#canary = await this.#dialCanary().catch((error: Error) => {
      throw new LinkError("closed", error.message);
    });
    const about = (name: string, why: string) => ({ ...probeCase(this.#way.profile, name), why });
    const whole = { writes: [frame], echo: frame, refused: false };
    const broken = { writes: [frame.subarray(0, cut)], echo: new Uint8Array(), refused: false };
    const checks = [
      { about: about("frame", "A frame of fresh random bytes must come back."), ...whole },
      { about: about("cut", "A stream that ends inside a prefix gives no message."), ...broken },
    ];
    let roundTrip = 0;
    for (const check of checks) {
      const from = performance.now();
      const one = this.#try(check);
      await one.open(this.#way.address, this.#deadline.base);
      await one.write(0, this.#deadline.base);
      const outcome = await this.#judge(one, this.#deadline.base);
      roundTrip = Math.max(roundTrip, performance.now() - from);
      if (outcome.verdict === "pass") continue;
      this.#settle(outcome);
      return false;
    }
    // r[iut.deadline.scaled]
    const { caseDeadline } = this.#plan;
    this.#deadline =
      caseDeadline === undefined
        ? { base: scaledBase(roundTrip), perByte: PER_BYTE }
        : { base: caseDeadline, perByte: 0 };
    return true;
  }

  async #dialCanary(): Promise<Peer> {
    const canary = await dialPeer(
      "canary",
      this.#way.address,
      new Timeline(this.#tape(`link-check/${this.#way.profile}/canary`)),
      this.#deadline.base,
    );
    canary.most = TURNS * this.#probe.frame.length;
    return canary;
  }

  /** False when the endpoint is not there any more: what is left cannot be run. */
  async #play(batch: readonly EchoCase[]): Promise<boolean> {
    const deadline = this.#deadlineOf(batch);
    const tries = batch.map((item) => this.#try(item));
    // In a capture they stand in the order of the corpus.
    if (this.#plan.capture !== undefined) for (const one of tries) await one.open(this.#way.address, deadline);
    else await Promise.all(tries.map((one) => one.open(this.#way.address, deadline)));
    let lost: WireFailure | undefined;
    const phases = Math.max(...batch.map(({ writes }) => writes.length));
    for (let phase = 0; phase < phases && lost === undefined; phase++) {
      await Promise.all(tries.map((one) => one.write(phase, deadline)));
      if (phase + 1 < phases) lost = await this.#turn();
    }
    for (const { writes } of batch) this.#cuts += Math.max(0, writes.length - 1);
    const outcomes = await Promise.all(tries.map((one) => this.#judge(one, deadline)));
    // A refusal closes a connection, and so does the end of a process.
    lost ??= await this.#turn();
    for (const outcome of lost === undefined ? outcomes : blamed(tries, outcomes, lost)) this.#settle(outcome);
    return lost === undefined;
  }

  #deadlineOf(batch: readonly EchoCase[]): number {
    const bytes = batch.reduce(
      (sum, { writes, echo }) => writes.reduce((all, { length }) => all + length, sum + echo.length),
      0,
    );
    return this.#deadline.base + bytes * this.#deadline.perByte;
  }

  /**
   * The endpoint has had a turn when it has answered on another connection: what was written before is probably read. An endpoint may
   * end a connection that was idle for long: it is lost when it does not answer on a fresh one either, and that is what comes back.
   */
  async #turn(): Promise<WireFailure | undefined> {
    const { frame } = this.#probe;
    const { base } = this.#deadline;
    let lost: WireFailure | undefined;
    for (const canary of [this.#canary, undefined]) {
      try {
        const asked = canary ?? (await this.#dialCanary());
        this.#canary = asked;
        for (let i = 0; i < TURNS; i++) {
          await asked.write(frame, base);
          const { length } = await asked.takeExactly(frame.length, base);
          if (length < frame.length)
            throw new WireFailure(`canary: ${length} of ${frame.length} bytes came back, and an end`);
        }
        return undefined;
      } catch (error) {
        if (!(error instanceof WireFailure)) throw error;
        lost = error;
        this.#canary?.close();
      }
    }
    return lost;
  }

  async #judge(one: EchoTry, deadline: number): Promise<Outcome> {
    const outcome = await one.judge(deadline);
    if (one.ending !== undefined) this.#closes[one.ending]++;
    return outcome;
  }

  #try(item: EchoCase): EchoTry {
    return new EchoTry(item, this.#tape(item.about.id));
  }

  #tape(id: string): Tape | undefined {
    const { capture } = this.#plan;
    return capture && new Tape(capture, id, { profile: this.#way.profile, opened_by: "harness" });
  }

  #settle(outcome: Outcome): void {
    this.#plan.progress(outcome);
    this.#plan.told(outcome);
    this.#outcomes.push(outcome);
  }

  /** What the run could not show. r[iut.echo.unproven] */
  #notes(): string[] {
    const hidden = [...this.#hidden].map(([reason, cases]) => `${cases}: ${reason}`);
    const { end, reset } = this.#closes;
    return [
      `level 0, without an adapter: no error class, no offset and no moment of an event could be judged`,
      `${this.#cuts} cuts went out as writes of their own, with the endpoint's turn between; that each was a read could not be proven`,
      `connections were closed in order ${end} times, by a reset ${reset} times`,
      ...(hidden.length === 0 ? [] : [`not observable at level 0: ${hidden.join("; ")}`]),
    ];
  }
}

/**
 * The outcomes of a batch behind which the endpoint was lost. Whose fault it is cannot be told: it is one of those that did not come out,
 * or whose refusal may have been the end of the endpoint.
 */
function blamed(tries: readonly EchoTry[], outcomes: readonly Outcome[], lost: WireFailure): Outcome[] {
  const verdict = lost instanceof Overdue ? "timeout" : "crash";
  const how = `the endpoint was lost in a batch of ${tries.length} ${tries.length === 1 ? "connection" : "connections"}: ${lost.message}`;
  const open = tries.map(({ item }, i) => item.refused || outcomes[i]?.verdict !== "pass");
  // All came out right: then it was the last.
  if (!open.includes(true)) open[open.length - 1] = true;
  return outcomes.map((outcome, i) => {
    if (!open[i]) return outcome;
    const text = outcome.text === undefined ? how : `${outcome.text}; ${how}`;
    return (tries[i] as EchoTry).spoilt(verdict, text);
  });
}

function probeCase(profile: string, name: string): Case {
  const id = `link-check/${profile}/${name}`;
  const nothing = { limits: {}, steps: [], expected: [], marks: [], why: "" } as const;
  return { id, vector: id, rules: ["iut.link-check.codec"], level: "must", profile, role: "decode", ...nothing };
}

/** There is no hello at level 0: what the report says in its place. */
function helloOf({ address, profile }: EchoWay): Hello {
  return {
    op: "hello",
    protocol: 1,
    token: "",
    iut: { name: `echo endpoint ${address}`, version: "", language: "unknown" },
    profiles: { [profile]: { roles: ["decode"] } },
    capabilities: [],
    error_granularity: "none",
  };
}
