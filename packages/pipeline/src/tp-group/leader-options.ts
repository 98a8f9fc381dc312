import type { MessageLimits, TensorSource } from "@tensorwire/tensor-spec";
import type { TpManifestInit } from "@tensorwire/tp-control";
import type { Clock } from "@tensorwire/transport";

export interface TpLeaderOptions {
  /** For every worker to take one broadcast, in milliseconds. 30,000 unless told. */
  readonly deadlineMs?: number;
  /** For a worker to take SHUTDOWN and to end, when another one is lost, in milliseconds. 1,000 unless told. */
  readonly graceMs?: number;
  /**
   * After so many milliseconds without a broadcast a NOOP goes out, so that an idle group is not a silent one: well below the
   * workers' `silenceMs`. 20,000 unless told; Infinity for never.
   */
  readonly heartbeatMs?: number;
  /**
   * The ids come with each message, as they do in a stage that passes on its upstream's: `broadcast` takes the place of `infer` and
   * `noop`. There is no id for a NOOP then, and the heartbeat is one with the ids of the last message: a duplicate of 40 bytes.
   */
  readonly givenIds?: boolean;
  /** Broadcasts that may wait for their turn; one more is refused with `transport.full`. 16 unless told. */
  readonly maxQueued?: number;
  readonly limits?: Partial<MessageLimits>;
  readonly clock?: Clock;
}

/** An INFER for the group. call_id and the epochs are the leader's own: its heartbeats count among them. */
export interface TpCall {
  readonly chunk_index: bigint;
  /** Empties the workers' caches: cache_epoch grows by one. */
  readonly hard_cut?: boolean;
  readonly manifest: TpManifestInit;
  /** Must not change until the broadcast is done. */
  readonly tensors?: readonly TensorSource[];
}
