import { type PpCallIds, preparePpResult, withDigest } from "@tensorwire/pp-contract";
import type { PreparedMessage } from "@tensorwire/tensor-spec";
import { DEFAULT_DEADLINE_MS } from "../options.ts";
import { sha256 } from "../sha256.ts";
import { errorMessage, type RankLostError } from "../stage-lost.ts";
import { within } from "../within.ts";
import type { GroupStageOptions, InferRequest, Outcome } from "./group-stage-options.ts";

/** Makes the one result of each call of a stage: what its `work` says, or an error result. r[pp.result.exactly-one] */
export class Answers {
  readonly #options: GroupStageOptions;
  readonly #over: AbortSignal;
  readonly #late: (why: unknown, calls: readonly bigint[]) => RankLostError;

  /** `over` fires with the reason when nothing more is done. `late` gets the calls whose work is not done in time. */
  constructor(
    options: GroupStageOptions,
    over: AbortSignal,
    late: (why: unknown, calls: readonly bigint[]) => RankLostError,
  ) {
    this.#options = options;
    this.#over = over;
    this.#late = late;
  }

  /** Never rejects. `refused` is why the group did not get the call, or null. */
  async make(request: InferRequest, refused: unknown): Promise<PreparedMessage<PpCallIds>> {
    const { call_id, chunk_index, cache_epoch } = request.header;
    const ids = { call_id, chunk_index, cache_epoch };
    try {
      if (refused !== null) throw refused;
      return this.#prepare(ids, await this.#work(request));
    } catch (error) {
      const error_message = errorMessage(this.#options.rank, call_id, error);
      return preparePpResult({ ...ids, ok: false, error_message });
    }
  }

  #prepare(ids: PpCallIds, outcome: Outcome): PreparedMessage<PpCallIds> {
    const { digest = false, limits, unsent } = this.#options;
    const result = { ...outcome, ...ids };
    try {
      return preparePpResult(digest ? withDigest(result, sha256) : result, limits);
    } catch (error) {
      unsent?.(error);
      throw error;
    }
  }

  /** What `work` says or throws, or why the stage is over. Work that is not done in time is this rank's loss. */
  async #work(request: InferRequest): Promise<Outcome> {
    const { work, deadlineMs = DEFAULT_DEADLINE_MS, workMs = deadlineMs } = this.#options;
    const { call_id } = request.header;
    const signal = this.#over;
    signal.throwIfAborted();
    const settled = Promise.try(work, request, signal).then(
      (outcome) => ({ outcome }),
      (error: unknown) => ({ error }),
    );
    const done = await within(settled, workMs, `call ${call_id} was not done`, signal).catch((why: unknown) => {
      throw signal.aborted ? signal.reason : this.#late(why, [call_id]);
    });
    if ("error" in done) throw done.error;
    return done.outcome;
  }
}
