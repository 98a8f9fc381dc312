/** A rank that died, stalled, or broke the contract, and the calls that have no end because of it. */
export class RankLostError extends Error {
  override readonly name: string = "RankLostError";
  readonly rank: number;
  readonly calls: readonly bigint[];
  readonly why: string;

  constructor(rank: number, calls: readonly bigint[], why: string, options?: ErrorOptions) {
    const inFlight =
      calls.length === 0 ? "" : ` with ${calls.length === 1 ? "call" : "calls"} ${calls.join(", ")} in flight`;
    super(`rank ${rank} is lost${inFlight}: ${why}`, options);
    this.rank = rank;
    this.calls = calls;
    this.why = why;
  }
}

/** The rank that is lost is a stage of the pipeline. */
export class StageLostError extends RankLostError {
  override readonly name = "StageLostError";
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What an error result says, whatever the error is: never empty, and short enough for any result. */
export function errorMessage(rank: number, call_id: bigint, error: unknown): string {
  return `rank ${rank}, call ${call_id}: ${messageOf(error).slice(0, 1000).toWellFormed()}`;
}
