import type { PpCallIds, PpRequest, PpResultInit } from "@tensorwire/pp-contract";
import type { MessageLimits } from "@tensorwire/tensor-spec";
import type { TpMessageInit } from "@tensorwire/tp-control";
import type { Clock } from "@tensorwire/transport";

export type InferRequest = Extract<PpRequest, { readonly tensors: unknown }>;
/** A result as its call's owner makes it; the ids are the call's. */
export type Outcome = Omit<PpResultInit, keyof PpCallIds>;

export interface GroupStageOptions {
  readonly rank: number;
  /** What the group gets behind the request's header. Unless told the tensors as they came, without kwargs. r[iut.rank.stage-group] */
  readonly callOf?: (request: InferRequest) => Omit<TpMessageInit, "header">;
  /**
   * The leader's own part of a call, one at a time, while the group does the same. Its throw becomes an error result. `signal` fires when
   * the stage is over: nobody waits for the result any more.
   */
  readonly work: (request: InferRequest, signal: AbortSignal) => Promise<Outcome>;
  /** Told of each request as it is taken, before anything is done about it. */
  readonly taken?: (request: PpRequest) => void;
  /** Told why what `work` made cannot be sent; its call gets an error result. */
  readonly unsent?: (why: unknown) => void;
  /** For upstream to begin a message while it is owed nothing, in milliseconds. 600,000 unless told. */
  readonly silenceMs?: number;
  /** For a message to be whole from its first byte, and for a result to be taken. 30,000 unless told. */
  readonly deadlineMs?: number;
  /** For `work` to do a call. `deadlineMs` unless told. */
  readonly workMs?: number;
  /** For upstream to take what it is owed and to end its side, when a worker is lost. 1,000 unless told. */
  readonly graceMs?: number;
  /** Calls without a result; no more than one chunk is read on while there are so many. 64 unless told. */
  readonly maxOwed?: number;
  /** Puts the digest of the tensors into each result. r[pp.acceptance.digest] */
  readonly digest?: boolean;
  readonly limits?: Partial<MessageLimits>;
  readonly clock?: Clock;
}
