import { WireError } from "@tensorwire/framing";
import { type Connection, checkDeadlines, connect, type Protection } from "@tensorwire/transport";
import { type GreetOptions, greet } from "./admission/greet.ts";
import type { Identity } from "./admission/identity.ts";
import { DEFAULT_DEADLINE_MS, DEFAULT_START_DEADLINE_MS } from "./options.ts";
import { protectionOf } from "./protection.ts";
import { messageOf, StageLostError } from "./stage-lost.ts";

export interface DialOptions extends Pick<GreetOptions, "lane" | "roster">, Protection {
  /** Rank of the stage at `address`. */
  readonly rank: number;
  readonly address: string;
  /** Who dials. */
  readonly identity: Identity;
  /** For the stage to answer the Hello, in milliseconds: one that computes answers late. 30,000 unless told. */
  readonly deadlineMs?: number;
  readonly startDeadlineMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Stages under a launcher start at the same time, so that the next one may not listen yet. */
const RETRY_MS = 100;

/**
 * Connects, trying again while nobody listens, and does the handshake. Rejects with StageLostError, whose cause says whether the
 * stage could not be reached or refused; with a refusal `state` for a wait that is no deadline.
 */
export async function dial(options: DialOptions): Promise<Connection> {
  const { rank, identity, lane = 0, roster, deadlineMs = DEFAULT_DEADLINE_MS, signal } = options;
  checkDeadlines({ deadlineMs, startDeadlineMs: options.startDeadlineMs });
  const connection = await reach(options);
  const cancel = () => connection.abort("the dialling was cancelled", signal?.reason);
  signal?.addEventListener("abort", cancel, { once: true });
  try {
    if (signal?.aborted) cancel();
    return await greet(
      connection,
      identity,
      { role: "PP_STAGE", rank },
      { lane, deadlineMs, ...(roster && { roster }) },
    );
  } catch (error) {
    throw new StageLostError(rank, [], messageOf(error), { cause: error });
  } finally {
    signal?.removeEventListener("abort", cancel);
  }
}

async function reach(options: DialOptions): Promise<Connection> {
  const { address, rank, startDeadlineMs = DEFAULT_START_DEADLINE_MS, signal } = options;
  const until = performance.now() + startDeadlineMs;
  for (;;) {
    const deadlineMs = Math.max(0, until - performance.now());
    try {
      return await connect(address, { ...protectionOf(address, options), deadlineMs, ...(signal && { signal }) });
    } catch (error) {
      const refused = error instanceof WireError && error.code === "transport.refused" && error.fault === "transport";
      if (!refused || deadlineMs < RETRY_MS) throw new StageLostError(rank, [], messageOf(error), { cause: error });
      await Bun.sleep(RETRY_MS);
    }
  }
}
