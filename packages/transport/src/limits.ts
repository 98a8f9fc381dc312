import { refusal } from "@tensorwire/framing";
import { isDeadline } from "./waiter.ts";

const KIB = 1024;

/** What one connection may hold and wait for. Everything but `deadlineMs` is a whole number above 0. */
export interface Limits {
  /**
   * Bytes that were received and not yet read. The socket is paused while one more chunk could pass this limit. Bun may
   * still hand over a chunk that it had read, so that the true bound is this and one chunk (512 KiB on a socket).
   */
  readonly maxBufferedRead: number;
  /** Chunks that were received and not yet read: a peer that sends single bytes costs no more than this many objects. */
  readonly maxBufferedChunks: number;
  /** Bytes of small parts that were taken from the caller and not yet by the socket: the size of the slab. */
  readonly maxBufferedWrite: number;
  /** Writes that wait for room. One more is refused with `transport.full`. */
  readonly maxQueuedWrites: number;
  /** A part of this many bytes or more goes to the socket by reference; a smaller one is copied into the slab. */
  readonly gatherBelow: number;
  /** The deadline of a call that names none, in milliseconds; `Infinity` for none at all. */
  readonly deadlineMs: number;
}

export const DEFAULT_LIMITS: Limits = {
  maxBufferedRead: 1024 * KIB,
  maxBufferedChunks: 1024,
  maxBufferedWrite: 256 * KIB,
  maxQueuedWrites: 1024,
  gatherBelow: 16 * KIB,
  deadlineMs: 30_000,
};

/** The defaults with what `given` replaces. Throws a `state` refusal for a value that cannot be a limit. */
export function resolveLimits(given: Partial<Limits> = {}): Limits {
  const { deadlineMs, ...counts } = { ...DEFAULT_LIMITS, ...given };
  if (!(deadlineMs >= 0)) throw refusal("state", `limit deadlineMs cannot be ${deadlineMs}`);
  checkCounts(counts);
  return { deadlineMs, ...counts };
}

/** Throws a `state` refusal for a limit that is no whole number above 0: none would pass it, and nobody would know why. */
export function checkCounts(limits: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(limits)) {
    if (!Number.isSafeInteger(value) || value < 1) throw refusal("state", `limit ${name} cannot be ${value}`);
  }
}

/** Throws a `state` refusal for a wait that is given and no deadline: NaN would pass at once, or never. */
export function checkDeadlines(waits: Readonly<Record<string, number | undefined>>): void {
  for (const [name, ms] of Object.entries(waits)) {
    if (ms !== undefined && !isDeadline(ms)) {
      throw refusal("state", `${name}: expected 0 or more milliseconds, or Infinity, ${ms} came`);
    }
  }
}
