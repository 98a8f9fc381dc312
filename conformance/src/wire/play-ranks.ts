import type { FakeRank, GroupStep, OverStep, RankStep, RanksScenario } from "../corpus/wire-file.ts";
import { takeErrorResult } from "./error-result.ts";
import { HeaderTrail } from "./header-trail.ts";
import { judgeOver } from "./over.ts";
import { Overdue, WireFailure } from "./peer.ts";
import { bytesOf, CannotShow, compareEvents, lengthOf, most, type StepsContext, StepsPlayer } from "./play-steps.ts";
import type { Stage } from "./stage.ts";

/** Turns of the harness's own event loop: what has come to its sockets, it has then seen. */
const TURNS = 20;

/** Ranks that would wait for ever: on an open connection, for an end or for what they are owed. r[iut.rank.not-stranded] */
export class StrandedRanks extends WireFailure {
  readonly count: number;

  constructor(stranded: readonly string[]) {
    super(stranded.join("; "));
    this.count = stranded.length;
  }
}

/**
 * Plays a scenario of ranks: opens the connections in their order, plays the steps, and counts at the end whose connection the
 * implementation has left open. Every scenario brings the implementation's part to an end on every connection.
 */
export async function playRanks(stage: Stage, scenario: RanksScenario, context: StepsContext): Promise<void> {
  const { ranks, steps } = scenario;
  if (steps.some((step) => "stall" in step)) {
    const largest = Math.max(...steps.map((step) => ("send" in step ? lengthOf(step.send) : sizeOf(step))));
    if (largest <= most(context.kernelTakes)) throw new CannotShow("the system takes all of it");
  }
  for (const { conn, ...about } of ranks) await stage.open(conn, about);
  const player = new RanksPlayer(stage, context, ranks);
  for (const [at, step] of steps.entries()) {
    // Ends that stand behind each other are of one loss: all who are stranded by it are named, not the first alone.
    if (!("over" in step)) player.throwStranded(at);
    stage.timeline.tape?.step(at);
    try {
      await player.playRank(step);
    } catch (error) {
      if (error instanceof Overdue) throw new StrandedRanks([`step ${at}: a rank is stranded: ${error.message}`]);
      if (error instanceof WireFailure) error.message = `step ${at}: ${error.message}`;
      throw error;
    }
  }
  player.throwStranded(steps.length);
  await player.finish();
}

const sizeOf = (step: RankStep) => ("write" in step ? bytesOf(step.write).length : 0);

class RanksPlayer extends StepsPlayer {
  readonly #stage: Stage;
  readonly #context: StepsContext;
  readonly #ranks: readonly FakeRank[];
  readonly #trails: ReadonlyMap<string, HeaderTrail>;
  readonly #stranded: string[] = [];
  /** Connections that the harness has reset: nobody waits there any more. */
  readonly #reset = new Set<string>();

  constructor(stage: Stage, context: StepsContext, ranks: readonly FakeRank[]) {
    super(stage, context);
    this.#stage = stage;
    this.#context = context;
    this.#ranks = ranks;
    this.#trails = new Map(ranks.map(({ conn, identity }) => [conn, new HeaderTrail(identity !== undefined)]));
  }

  async playRank(step: RankStep): Promise<void> {
    if ("group" in step) await this.#broadcast(step);
    else if ("over" in step) await this.#over(step.conn, step);
    else if ("quiet" in step) await this.#quiet(step.conn);
    else if ("error_result" in step) {
      await takeErrorResult(this.#stage.peer(step.conn), step.error_result, this.#stage.options.deadline);
    } else {
      if ("reset" in step) this.#reset.add(step.conn);
      await this.play(step);
    }
  }

  throwStranded(step: number): void {
    if (this.#stranded.length === 0) return;
    this.#stranded[0] = `before step ${step}: ${this.#stranded[0]}`;
    throw new StrandedRanks(this.#stranded);
  }

  /** Whose connection is open still, though the scenario is over; and that nobody was sent what it does not know. */
  async finish(): Promise<void> {
    const waiting = this.#ranks.filter(({ conn }) => !this.#reset.has(conn));
    for (const { conn } of waiting) await this.#isOver(conn);
    if (this.#stranded.length > 0) throw new StrandedRanks(this.#stranded);
    for (const { conn } of waiting) {
      const { waiting } = this.#stage.peer(conn);
      if (waiting > 0) throw new WireFailure(`${conn}: ${waiting} bytes came that the scenario does not know`);
    }
  }

  protected override onReceived(conn: string, bytes: Uint8Array): void {
    this.#trails.get(conn)?.push(bytes);
  }

  async #broadcast({ group, send, events = [] }: GroupStep): Promise<void> {
    const answer = await this.#stage.broadcast({ op: "send", group, value: send });
    compareEvents(`group ${group}`, events, answer.events, this.#context.granularity);
  }

  async #over(conn: string, { over, may = [] }: OverStep): Promise<void> {
    const peer = this.#stage.peer(conn);
    peer.resume();
    if (!(await this.#isOver(conn))) return;
    const got = await peer.takeAll(0);
    // As a rank does whose peer has ended: the implementation waits for it no longer.
    if (!peer.finished) peer.end();
    const trail = this.#trails.get(conn) ?? new HeaderTrail();
    const problem = judgeOver(over, got, peer.ending ?? "end", may.map(bytesOf), trail);
    if (problem !== undefined) throw new WireFailure(`${conn}: ${problem}`);
  }

  /** Waits for the end of a connection; the first that is stranded uses up the time, and the others are only looked at. */
  async #isOver(conn: string): Promise<boolean> {
    const peer = this.#stage.peer(conn);
    const { deadline } = this.#stage.options;
    try {
      await peer.ended(this.#stranded.length === 0 ? deadline : 0);
      return true;
    } catch (error) {
      if (!(error instanceof Overdue)) throw error;
      const { rank } = this.#ranks.find((one) => one.conn === conn) as FakeRank;
      this.#stranded.push(
        `rank ${rank} on ${conn} is stranded: its connection is open behind byte ${peer.received}, and nothing more comes`,
      );
      return false;
    }
  }

  /** No sleep: the implementation has had its turn, and so has the harness's own loop. */
  async #quiet(conn: string): Promise<void> {
    await this.turn(conn);
    for (let i = 0; i < TURNS; i++) await new Promise((turn) => setImmediate(turn));
    const { waiting } = this.#stage.peer(conn);
    if (waiting > 0) throw new WireFailure(`${conn}: ${waiting} bytes came that were not to be sent`);
  }
}
