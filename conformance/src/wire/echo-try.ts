import type { Tape } from "../capture/tape.ts";
import type { Outcome } from "../verdict.ts";
import type { EchoCase } from "./echo-cases.ts";
import { dialPeer } from "./open.ts";
import { type Ending, Overdue, type Peer, WireFailure } from "./peer.ts";
import { Timeline } from "./timeline.ts";

/** Bytes beside the right echo that are kept of a connection: enough to say that there are too many. */
const BESIDE = 1 << 16;

/** One case on a connection of its own. What goes wrong there is kept for its outcome, and stops nothing else. */
export class EchoTry {
  readonly item: EchoCase;
  readonly #timeline: Timeline;
  #peer: Peer | undefined;
  #failure: WireFailure | undefined;

  constructor(item: EchoCase, tape?: Tape) {
    this.item = item;
    this.#timeline = new Timeline(tape);
  }

  get ending(): Ending | undefined {
    return this.#peer?.ending;
  }

  open(address: string, deadline: number): Promise<void> {
    return this.#kept(async () => {
      this.#peer = await dialPeer("a", address, this.#timeline, deadline);
      this.#peer.most = this.item.echo.length + BESIDE;
    });
  }

  /** The piece of this phase, where the case has one and nothing has gone wrong. */
  async write(phase: number, deadline: number): Promise<void> {
    const bytes = this.item.writes[phase];
    if (bytes !== undefined && this.#failure === undefined) {
      this.#timeline.tape?.step(phase);
      await this.#kept(async () => this.#peer?.write(bytes, deadline));
    }
  }

  /** Ends the harness's direction, where that is the case's, and judges the echo by its end. Lets go of the connection. */
  async judge(deadline: number): Promise<Outcome> {
    const { about, refused, echo } = this.item;
    const { id, profile, level } = about;
    const peer = this.#peer;
    if (peer === undefined) {
      return this.spoilt(this.#failure instanceof Overdue ? "timeout" : "crash", this.#failure?.message ?? "");
    }
    await this.#kept(async () => {
      if (this.#failure !== undefined) return;
      if (!refused) peer.end();
      const got = Buffer.from(await peer.takeAll(deadline));
      const problem = problemOf(got, Buffer.from(echo), peer.ending === "reset", refused);
      if (problem !== undefined) throw new WireFailure(problem);
    });
    const outcome: Outcome =
      this.#failure === undefined
        ? { id, profile, verdict: "pass" }
        : this.spoilt(level === "must" ? "fail" : "warn", this.#failure.message);
    this.#timeline.tape?.verdict(outcome);
    peer.close();
    return outcome;
  }

  /** The outcome of anything but a pass. */
  spoilt(verdict: Outcome["verdict"], text: string): Outcome {
    const { about } = this.item;
    const { id, profile } = about;
    return { id, profile, verdict, case: about, text, timeline: this.#timeline.lines() };
  }

  async #kept(act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (!(error instanceof WireFailure)) throw error;
      this.#failure = error;
    }
  }
}

/**
 * The reset of a refusal may have taken the end of the echo with it: then what came must be the beginning of it. Behind the harness's
 * own end there is nothing left unread that would turn an end into a reset. r[iut.echo.close]
 */
function problemOf(got: Buffer, want: Buffer, reset: boolean, refused: boolean): string | undefined {
  if (reset && refused && want.subarray(0, got.length).equals(got)) return undefined;
  if (got.equals(want)) return reset && !refused ? "the endpoint reset the connection instead of ending it" : undefined;
  const same = want.findIndex((byte, i) => byte !== got[i]);
  if (same === -1)
    return `the endpoint echoed ${got.length - want.length} bytes more than the ${want.length} of whole messages`;
  const how = reset ? "reset the connection" : "closed";
  if (same === got.length) return `the endpoint echoed ${got.length} of ${want.length} bytes and ${how}`;
  return `byte ${same} of the echo is 0x${got[same]?.toString(16).padStart(2, "0")}, not 0x${want[same]?.toString(16).padStart(2, "0")}`;
}
