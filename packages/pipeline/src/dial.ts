import { WireError } from "@tensorwire/framing";
import { type Connection, connect } from "@tensorwire/transport";
import { DEFAULT_START_DEADLINE_MS } from "./options.ts";
import { messageOf, StageLostError } from "./stage-lost.ts";

export interface DialOptions {
  /** Rank of the stage at `address`. */
  readonly rank: number;
  readonly address: string;
  readonly startDeadlineMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Stages under a launcher start at the same time, so that the next one may not listen yet. */
const RETRY_MS = 100;

/** Connects, and tries again while nobody listens. Rejects with StageLostError. */
export async function dial({
  address,
  rank,
  startDeadlineMs = DEFAULT_START_DEADLINE_MS,
  signal,
}: DialOptions): Promise<Connection> {
  const until = performance.now() + startDeadlineMs;
  for (;;) {
    const deadlineMs = Math.max(0, until - performance.now());
    try {
      return await connect(address, { deadlineMs, ...(signal && { signal }) });
    } catch (error) {
      const refused = error instanceof WireError && error.code === "transport.refused" && error.fault === "transport";
      if (!refused || deadlineMs < RETRY_MS) throw new StageLostError(rank, [], messageOf(error), { cause: error });
      await Bun.sleep(RETRY_MS);
    }
  }
}
