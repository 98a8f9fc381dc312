import { refusal, type WireError } from "@tensorwire/framing";
import { type Clock, LONGEST_TIMER_MS } from "./clock.ts";

/** A deadline is a number of milliseconds from the call, 0 or more; `Infinity` waits for as long as it takes. */
export function isDeadline(deadlineMs: number): boolean {
  return deadlineMs >= 0;
}

export function badDeadline(deadlineMs: number): WireError {
  return refusal("state", `a deadline is 0 or more milliseconds, or Infinity; got ${deadlineMs}`);
}

/** One promise, settled by an event or by its deadline, whichever comes first. What comes second is ignored. */
export class Waiter<T> {
  readonly promise: Promise<T>;
  readonly #clock: Clock;
  readonly #resolve: (value: T) => void;
  readonly #reject: (error: unknown) => void;
  #timer: unknown;
  #settled = false;

  /** `onDeadline` gets the milliseconds that were really waited; it has to settle the waiter. */
  constructor(clock: Clock, deadlineMs: number, onDeadline: (waitedMs: number) => void) {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    this.promise = promise;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#clock = clock;
    if (deadlineMs <= LONGEST_TIMER_MS) {
      const start = clock.now();
      this.#timer = clock.setTimeout(() => onDeadline(Math.round(clock.now() - start)), deadlineMs);
    }
  }

  get settled(): boolean {
    return this.#settled;
  }

  resolve(value: T): void {
    this.#disarm();
    this.#resolve(value);
  }

  reject(error: unknown): void {
    this.#disarm();
    this.#reject(error);
  }

  #disarm(): void {
    this.#settled = true;
    if (this.#timer === undefined) return;
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
