import type { WireError } from "@tensorwire/framing";
import { systemClock } from "@tensorwire/transport";
import { Alarm } from "./alarm.ts";
import { type Call, stale } from "./call-queue.ts";

interface Pending {
  readonly call: Call;
  readonly alarm: Alarm;
}

/** The calls of a hop that were sent and whose result is due, each with its deadline. */
export class PendingCalls {
  readonly #calls = new Map<bigint, Pending>();

  get size(): number {
    return this.#calls.size;
  }

  /** `late` gets a `transport.deadline` error when the call is still here after so many milliseconds. */
  add(call: Call, deadlineMs: number, late: (why: WireError) => void): void {
    const { call_id } = call.message.subject;
    const alarm = new Alarm(systemClock, late);
    alarm.set(deadlineMs, `no result of call ${call_id} in ${deadlineMs} ms`);
    this.#calls.set(call_id, { call, alarm });
  }

  get(call_id: bigint): Call | undefined {
    return this.#calls.get(call_id)?.call;
  }

  /** Forgets the calls that are in flight no more. */
  keep(inFlight: readonly bigint[]): void {
    const due = new Set(inFlight);
    for (const [call_id, { alarm }] of this.#calls) {
      if (due.has(call_id)) continue;
      alarm.clear();
      this.#calls.delete(call_id);
    }
  }

  /** Ends the calls, because a hard cut made the cache epoch `epoch`. Their results are due all the same. */
  cut(epoch: bigint): void {
    for (const { call } of this.#calls.values()) call.reject(stale(call, epoch));
  }

  rejectAll(why: unknown): void {
    for (const { call } of this.#calls.values()) call.reject(why);
    this.keep([]);
  }
}
