import type { Case } from "../corpus/types.ts";
import { LinkError } from "../link/link.ts";
import type { Way } from "../link/ways.ts";
import { type Probe, probeOf } from "../probe-frames.ts";
import type { Hello } from "../protocol.ts";
import type { RunPlan, RunResult } from "../runner.ts";
import type { Outcome } from "../verdict.ts";
import { type EchoCase, echoCase, LEAST_LIMIT } from "./echo-cases.ts";
import { dialPeer } from "./open.ts";
import { type Peer, WireFailure } from "./peer.ts";
import { checkRuntime } from "./runtime.ts";
import { Timeline } from "./timeline.ts";

/** Connections of one batch: they get their first writes together, then their second ones, and so on. */
const BATCH = 64;
/** Round trips of the canary between two phases, in the place of a pause. */
const TURNS = 2;

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
  readonly #deadline: number;
  readonly #probe: Probe;
  readonly #outcomes: Outcome[] = [];
  readonly #hidden = new Map<string, number>();
  readonly #closes = { end: 0, reset: 0 };
  #cuts = 0;
  #canary: Peer | undefined;

  constructor(plan: RunPlan, way: EchoWay) {
    this.#plan = plan;
    this.#way = way;
    this.#deadline = plan.caseDeadline ?? 2000;
    const limit = way.maxFrameLength ?? LEAST_LIMIT;
    const probe = probeOf(way.profile, plan.welcome.seed, limit);
    if (probe === undefined) throw new LinkError("line", `level 0 has no frames of the profile ${way.profile}`);
    this.#probe = probe;
  }

  async run(): Promise<RunResult> {
    await checkRuntime();
    const hello = helloOf(this.#way);
    this.#plan.opened?.(hello);
    const notRun = new Map<string, number>();
    if (await this.#usable()) {
      for (const batch of this.#batches()) await this.#play(batch);
    } else {
      const left = [...this.#plan.corpus.cases(this.#plan.filter)].filter(
        ({ profile }) => profile === this.#way.profile,
      );
      notRun.set(this.#way.profile, left.length);
    }
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
    this.#canary = await this.#dial("canary", new Timeline()).catch((error: Error) => {
      throw new LinkError("closed", error.message);
    });
    const about = (name: string, why: string) => ({ ...probeCase(this.#way.profile, name), why });
    const whole = { writes: [frame], echo: frame, refused: false };
    const broken = { writes: [frame.subarray(0, cut)], echo: new Uint8Array(), refused: false };
    const checks = [
      { about: about("frame", "A frame of fresh random bytes must come back."), ...whole },
      { about: about("cut", "A stream that ends inside a prefix gives no message."), ...broken },
    ];
    for (const check of checks) {
      const outcome = await this.#judge(check, await this.#written(check));
      if (outcome.verdict === "pass") continue;
      this.#settle(outcome);
      return false;
    }
    return true;
  }

  async #written(item: EchoCase): Promise<Playing> {
    const playing = await this.#open();
    for (const bytes of item.writes) await playing.peer.write(bytes, this.#deadline);
    return playing;
  }

  async #open(): Promise<Playing> {
    const timeline = new Timeline();
    return { timeline, peer: await this.#dial("a", timeline) };
  }

  #dial(name: string, timeline: Timeline): Promise<Peer> {
    return dialPeer(name, this.#way.address, timeline, this.#deadline);
  }

  async #play(batch: readonly EchoCase[]): Promise<void> {
    const playing = await Promise.all(batch.map(() => this.#open()));
    const phases = Math.max(...batch.map(({ writes }) => writes.length));
    for (let phase = 0; phase < phases; phase++) {
      for (const [i, { peer }] of playing.entries()) {
        const bytes = batch[i]?.writes[phase];
        if (bytes !== undefined) await peer.write(bytes, this.#deadline);
      }
      if (phase + 1 < phases) await this.#turn();
    }
    for (const { writes } of batch) this.#cuts += Math.max(0, writes.length - 1);
    const outcomes = await Promise.all(batch.map((item, i) => this.#judge(item, playing[i] as Playing)));
    for (const outcome of outcomes) this.#settle(outcome);
  }

  /** The endpoint has had a turn when it has answered on another connection: what was written before is probably read. */
  async #turn(): Promise<void> {
    const { frame } = this.#probe;
    for (let i = 0; i < TURNS; i++) {
      await this.#canary?.write(frame, this.#deadline);
      await this.#canary?.takeExactly(frame.length, this.#deadline);
    }
  }

  async #judge(item: EchoCase, { peer, timeline }: Playing): Promise<Outcome> {
    const { about, echo, refused } = item;
    const { id, profile, level } = about;
    try {
      if (!refused) peer.end();
      const got = Buffer.from(await peer.takeAll(this.#deadline));
      this.#closes[peer.ending ?? "end"]++;
      const problem = differenceOf(got, Buffer.from(echo), peer.ending === "reset");
      if (problem === undefined) return { id, profile, verdict: "pass" };
      throw new WireFailure(problem);
    } catch (error) {
      if (!(error instanceof WireFailure)) throw error;
      const verdict = level === "must" ? "fail" : "warn";
      return { id, profile, verdict, case: about, text: error.message, timeline: timeline.lines() };
    } finally {
      peer.close();
    }
  }

  #settle(outcome: Outcome): void {
    this.#plan.progress(outcome, this.#outcomes.length);
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

interface Playing {
  readonly peer: Peer;
  readonly timeline: Timeline;
}

/** A reset may have taken the end of the echo with it: then what came must be the beginning of it. r[iut.echo.close] */
function differenceOf(got: Buffer, want: Buffer, reset: boolean): string | undefined {
  if (got.equals(want) || (reset && want.subarray(0, got.length).equals(got))) return undefined;
  const same = want.findIndex((byte, i) => byte !== got[i]);
  if (same === -1)
    return `the endpoint echoed ${got.length - want.length} bytes more than the ${want.length} of whole messages`;
  if (same === got.length) return `the endpoint echoed ${got.length} of ${want.length} bytes and closed`;
  return `byte ${same} of the echo is 0x${got[same]?.toString(16).padStart(2, "0")}, not 0x${want[same]?.toString(16).padStart(2, "0")}`;
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
