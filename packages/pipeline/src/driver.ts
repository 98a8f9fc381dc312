import { WireError } from "@tensorwire/framing";
import type { PpCallIds } from "@tensorwire/pp-contract";
import { printable } from "@tensorwire/tensor-spec";
import { idsTensor, logitsOf } from "./activations.ts";
import { Roster } from "./admission/roster.ts";
import { type Decoded, type DecodeOptions, decode } from "./decode.ts";
import type { DialOptions } from "./dial.ts";
import { Hop, type HopOptions } from "./hop.ts";
import { StageLostError } from "./stage-lost.ts";
import { type CallRecord, Stopwatch } from "./trace.ts";

/** The most of a stage's error message that is repeated, in UTF-16 units: all that a stage of this project says. */
const MAX_SAID = 1200;

/** A sequence to make. */
export interface Job extends DecodeOptions {
  readonly onEnd?: (decoded: Decoded) => void;
}

export interface DriverOptions extends HopOptions, Omit<DialOptions, "deadlineMs" | "lane" | "roster"> {
  readonly lanes: number;
}

/** A call that got an error result, or none yet. */
export interface OpenCall {
  readonly call_id: bigint;
  /** The error message of its result, fit for a line. */
  readonly error?: string;
}

/** The one who asks: L lanes to stage 0, one sequence on each at a time, and one counter that gives every call its id. */
export class Driver {
  readonly records: CallRecord[] = [];
  readonly #lanes: Lane[] = [];
  #calls = 0n;

  /** Opens every lane before the first call. Rejects with StageLostError. */
  static async open(options: DriverOptions): Promise<Driver> {
    const driver = new Driver();
    // All lanes have to end at one stage.
    const roster = new Roster();
    const opening = Array.from({ length: options.lanes }, (_, lane) => Hop.open({ ...options, lane, roster }));
    const hops = await Promise.all(opening).catch((error) => {
      for (const hop of opening) hop.then((each) => each.abort("another lane could not be opened")).catch(() => {});
      throw error;
    });
    const nextId = () => ++driver.#calls;
    for (const [number, hop] of hops.entries()) driver.#lanes.push(new Lane(number, hop, nextId, driver.records));
    return driver;
  }

  /** Calls sent so far. */
  get calls(): number {
    return this.records.length;
  }

  /** Bytes of requests, and of results. */
  get bytes(): { readonly out: number; readonly in: number } {
    return this.#lanes.reduce((sum, { hop }) => ({ out: sum.out + hop.bytes.out, in: sum.in + hop.bytes.in }), {
      out: 0,
      in: 0,
    });
  }

  /** The last call of every lane, where it was not answered or with an error. */
  get openCalls(): OpenCall[] {
    return this.#lanes.flatMap(({ open }) => (open === null ? [] : [open]));
  }

  /** Makes the sequences, each on the first lane that is free. Rejects with StageLostError; then nothing more can be run. */
  async run(jobs: readonly Job[]): Promise<Decoded[]> {
    const results: Decoded[] = [];
    const waiting = jobs.entries();
    const work = async (lane: Lane) => {
      // The lanes share one iterator, so that each job is taken once.
      for (const [i, job] of waiting) {
        results[i] = await lane.generate(job);
        job.onEnd?.(results[i]);
      }
    };
    await Promise.all(this.#lanes.map(work));
    return results;
  }

  /** Shuts the stages down and waits until they have ended their side. */
  async shutdown(): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane.shutdown()));
  }

  abort(why: string): void {
    for (const { hop } of this.#lanes) hop.abort(why);
  }
}

class Lane {
  readonly hop: Hop;
  open: OpenCall | null = null;
  readonly #number: number;
  readonly #nextId: () => bigint;
  readonly #records: CallRecord[];
  #ids: PpCallIds = { call_id: 0n, chunk_index: 0n, cache_epoch: 0n };

  constructor(number: number, hop: Hop, nextId: () => bigint, records: CallRecord[]) {
    this.#number = number;
    this.hop = hop;
    this.#nextId = nextId;
    this.#records = records;
  }

  /** One sequence: a hard cut, then its calls. An error result ends the sequence, a lost stage rejects. */
  async generate(job: Job): Promise<Decoded> {
    let watch: Stopwatch | null = null;
    const sampler = {
      next: (logits: Float32Array) => {
        const id = job.sampler.next(logits);
        watch?.lap("sample");
        return id;
      },
    };
    const decoded = await decode({ ...job, sampler }, (ids, position) => {
      watch = new Stopwatch();
      return this.#forward(ids, position, watch);
    });
    if (decoded.error instanceof StageLostError) throw decoded.error;
    return decoded;
  }

  async shutdown(): Promise<void> {
    await this.hop.pass({ ...this.#ids, call_id: this.#nextId(), action: "SHUTDOWN" });
    await this.hop.close();
  }

  async #forward(ids: Int32Array, position: number, watch: Stopwatch): Promise<Float32Array> {
    const first = position === 0;
    const call_id = this.#nextId();
    const before = this.#ids;
    const { cache_epoch, chunk_index } = before;
    this.#ids = first
      ? { call_id, chunk_index: 0n, cache_epoch: cache_epoch + 1n }
      : { call_id, chunk_index: chunk_index + 1n, cache_epoch };
    this.open = { call_id };
    this.#records.push({ rank: null, lane: this.#number, call_id, num_tokens: ids.length, spans: watch.spans });
    const lm = { position, num_tokens: ids.length, init_cache: first };
    const sent = this.hop.infer(this.#ids, { lm }, [idsTensor(ids)], () => watch.lap("send"));
    const { result, tensors } = await sent.catch((error: unknown) => {
      // Refused, and nothing left: a hard cut has still to be made.
      if (error instanceof WireError) this.#ids = { ...before, call_id };
      throw error;
    });
    watch.lap("wait");
    if (!result.ok) {
      const said = printable(result.error_message, MAX_SAID);
      this.open = { call_id, error: said };
      throw new Error(said);
    }
    this.open = null;
    return logitsOf(tensors);
  }
}
