import { refusal, type WireError } from "@tensorwire/framing";
import { type PpHeader, type PpResultMessage, type PpStep, preparePpRequest } from "@tensorwire/pp-contract";
import type { PreparedMessage } from "@tensorwire/tensor-spec";

export interface Call {
  readonly message: PreparedMessage<PpHeader>;
  readonly step: PpStep;
  /** The request has left. */
  readonly sent: () => void;
  readonly resolve: (result: PpResultMessage) => void;
  readonly reject: (why: unknown) => void;
}

/** What waits to be sent: a call, which needs room in the window, or a header alone, which does not. */
export type Job =
  | { readonly call: Call }
  | {
      readonly message: PreparedMessage<PpHeader>;
      readonly resolve: () => void;
      readonly reject: (why: unknown) => void;
    };

/** What a hop has not sent yet, in the order of its calls. */
export class CallQueue {
  readonly #jobs: Job[] = [];

  get length(): number {
    return this.#jobs.length;
  }

  get first(): Job | undefined {
    return this.#jobs[0];
  }

  add(job: Job): void {
    this.#jobs.push(job);
  }

  take(): void {
    this.#jobs.shift();
  }

  /**
   * Ends the calls that wait, because a hard cut made the cache epoch `epoch`. A NOOP with its ids takes the place of each, so that the
   * stages behind see every cache_epoch, and the next hard cut is one more for all of them.
   */
  cut(epoch: bigint): void {
    this.#jobs.forEach((job, i) => {
      if (!("call" in job)) return;
      job.call.reject(stale(job.call, epoch));
      const header = { ...job.call.message.subject, action: "NOOP" } as const;
      this.#jobs[i] = { message: preparePpRequest({ header }), resolve: () => {}, reject: () => {} };
    });
  }

  rejectAll(why: unknown): void {
    for (const job of this.#jobs.splice(0)) ("call" in job ? job.call : job).reject(why);
  }
}

/** The end of a call that a hard cut overtook. */
export function stale({ message: { subject } }: Call, epoch: bigint): WireError {
  const message = `call ${subject.call_id} of cache epoch ${subject.cache_epoch} is stale: a hard cut made it ${epoch}`;
  return refusal("state", message);
}
