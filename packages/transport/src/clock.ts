/** The only time that this package knows. Tests pass one of their own, so that no deadline test sleeps. */
export interface Clock {
  /** Milliseconds from an arbitrary start; never goes back. */
  now(): number;
  /** Calls `fire` once, `ms` milliseconds from now, or never above LONGEST_TIMER_MS; the answer is what `clearTimeout` takes. */
  setTimeout(fire: () => void, ms: number): unknown;
  clearTimeout(timer: unknown): void;
}

/** Above this, the runtime's timers would fire at once: such a deadline (24.8 days) counts as none. */
export const LONGEST_TIMER_MS = 0x7fff_ffff;

export const systemClock: Clock = {
  now: () => performance.now(),
  setTimeout: (fire, ms) => (ms > LONGEST_TIMER_MS ? undefined : setTimeout(fire, ms)),
  clearTimeout: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
};
