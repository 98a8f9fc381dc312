import { refusal } from "@tensorwire/framing";
import { type Blame, peerFault, type Tensor } from "@tensorwire/tensor-spec";
import { outputDigest, type Sha256 } from "./digest.ts";
import type { PpHeader } from "./request.ts";
import type { PpCallIds, PpResult } from "./result.ts";
import type { PpStep } from "./step.ts";

/** A call that was sent and has no result yet. */
export interface PpCall extends PpCallIds {
  readonly step: PpStep;
}

/** What became of a result: the answer to `call`, or dropped and counted. */
export type Verdict =
  | { readonly accepted: true; readonly call: PpCall }
  | { readonly accepted: false; readonly reason: "stale-epoch" | "late" };

export interface PpAcceptanceOptions {
  readonly window: number;
  /** With it every ok result must carry the digest of its tensors. r[pp.acceptance.digest] */
  readonly sha256?: Sha256;
}

/**
 * The driver's side of one lane: which calls are in flight, and which results answer them (`spec/pp-contract.md`,
 * "Acceptance"). Results come in the order of their calls, so that the oldest call is the one that is due.
 */
export class PpAcceptance {
  /** The most calls in flight. */
  readonly window: number;
  readonly #sha256: Sha256 | undefined;
  /** Results that were dropped, by reason. */
  readonly dropped = { "stale-epoch": 0, late: 0 };
  /** In the order in which they were sent. Calls of an older epoch stay. r[pp.acceptance.hard-cut] */
  readonly #calls: PpCall[] = [];
  #last: PpCallIds | null = null;

  constructor({ window, sha256 }: PpAcceptanceOptions) {
    if (!(Number.isSafeInteger(window) && window > 0)) {
      throw refusal("state", `window: expected an integer from 1, ${window} came`);
    }
    this.window = window;
    this.#sha256 = sha256;
  }

  /** The calls that have no result yet, oldest first, those of an older epoch included. */
  get inFlight(): readonly PpCall[] {
    return this.#calls;
  }

  /** True when another call may be sent. */
  get open(): boolean {
    return this.#calls.length < this.window;
  }

  /**
   * Registers an INFER. Call it before the first byte leaves.
   *
   * @throws WireError refusal `state` when the window is full, `sequence` when call_id or cache_epoch do not follow.
   */
  sent({ call_id, chunk_index, cache_epoch }: PpHeader, step: PpStep): void {
    // r[pp.acceptance.window]
    if (!this.open) throw refusal("state", `expected at most ${this.window} calls in flight, call ${call_id} came`);
    if (this.#last !== null && call_id <= this.#last.call_id) {
      throw refusal("sequence", `call_id: expected more than ${this.#last.call_id}, ${call_id} came`);
    }
    if (this.#last !== null && cache_epoch < this.#last.cache_epoch) {
      throw refusal("sequence", `cache_epoch: expected at least ${this.#last.cache_epoch}, ${cache_epoch} came`);
    }
    this.#last = { call_id, chunk_index, cache_epoch };
    this.#calls.push({ call_id, chunk_index, cache_epoch, step });
  }

  /**
   * A hard cut whose first call still waits for room in the window: from now on every result of an older epoch is stale.
   *
   * @throws WireError refusal `sequence` when it does not grow.
   */
  cut(cache_epoch: bigint): void {
    if (this.#last === null) return;
    if (cache_epoch <= this.#last.cache_epoch) {
      throw refusal("sequence", `cache_epoch: expected more than ${this.#last.cache_epoch}, ${cache_epoch} came`);
    }
    this.#last = { ...this.#last, cache_epoch };
  }

  /**
   * Judges a result that arrived, `at` being its end in the stream. Its tensors are looked at where a digest is due.
   *
   * @throws WireError `sequence` for a result ahead of its turn, `header.field` and `spec.mismatch` for one that does not
   *   fit its call, `checksum` for a digest that is absent or another; fatal, the peer's fault.
   */
  judge(result: PpResult, at = 0, tensors: readonly Tensor[] = []): Verdict {
    const blame = peerFault(at);
    // r[pp.acceptance.stale-epoch]: received, so no longer in flight, but never accepted.
    if (result.cache_epoch !== this.#last?.cache_epoch) {
      const stale = this.#calls.findIndex(
        (call) => call.call_id === result.call_id && call.cache_epoch === result.cache_epoch,
      );
      if (stale >= 0) this.#calls.splice(stale, 1);
      return this.#drop("stale-epoch");
    }
    const due = this.#calls.findIndex((call) => call.cache_epoch === result.cache_epoch);
    const call = this.#calls[due];
    // r[pp.acceptance.late]
    if (result.call_id < (call?.call_id ?? this.#last.call_id + 1n)) return this.#drop("late");
    // r[pp.acceptance.ahead]
    if (call === undefined || result.call_id > call.call_id) {
      const expected =
        call === undefined ? "no result, since no call is in flight" : `the result of call ${call.call_id}`;
      throw blame("sequence", `call_id: expected ${expected}, that of call ${result.call_id} came`);
    }
    if (result.chunk_index < call.chunk_index) return this.#drop("late");
    if (result.chunk_index > call.chunk_index) {
      throw blame("sequence", `chunk_index: expected ${call.chunk_index}, ${result.chunk_index} came`);
    }
    checkFit(result, call, blame);
    if (result.ok && this.#sha256 !== undefined) checkDigest(result, outputDigest(tensors, this.#sha256), blame);
    this.#calls.splice(due, 1);
    return { accepted: true, call };
  }

  /** The connection is gone: hands out the calls that will have no result, and forgets them. r[pp.acceptance.exactly-one] */
  abandon(): PpCall[] {
    return this.#calls.splice(0);
  }

  #drop(reason: "stale-epoch" | "late"): Verdict {
    this.dropped[reason]++;
    return { accepted: false, reason };
  }
}

function checkFit(result: PpResult, { step }: PpCall, blame: Blame): void {
  if (!result.ok || step.video === undefined) return;
  // r[pp.acceptance.generator-calls]
  const { expected_generator_calls: expected } = step.video;
  if (result.observed_generator_calls !== expected) {
    const came = result.observed_generator_calls;
    throw blame("header.field", `observed_generator_calls: expected ${expected}, ${came} came`);
  }
  // r[pp.acceptance.latents-out]
  const latents = result.tensor_specs.find(({ key, index }) => key === "latents_out" && index === undefined);
  if (latents?.dtype !== "bfloat16") {
    throw blame("spec.mismatch", `expected a bfloat16 tensor "latents_out", ${latents?.dtype ?? "none"} came`);
  }
}

/** r[pp.acceptance.digest] */
function checkDigest({ output_digest_i64: came }: PpResult, expected: bigint, blame: Blame): void {
  if (came !== expected) throw blame("checksum", `output_digest_i64: expected ${expected}, ${came ?? "none"} came`);
}
