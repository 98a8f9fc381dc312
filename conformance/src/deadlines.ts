import { weightOf } from "./case-weight.ts";
import type { Case } from "./corpus/types.ts";
import type { Way } from "./link/ways.ts";
import { LINE_LIMIT } from "./protocol.ts";

/** Milliseconds for each request of the link check, where nobody has said: a virtual machine on a busy host needs many of them to start. */
export const CHECK_DEADLINE = 30_000;

/** Milliseconds until hello must be there, where nobody has said: under attach somebody is to start the IUT by hand. */
export const helloDeadline = ({ kind }: Way) => (kind === "attach" ? 300_000 : CHECK_DEADLINE);

/** Milliseconds that a case has at least. */
const LEAST = 2000;
/** One round trip is measured: where the machine stood still in it, nobody is to wait for minutes in every case that hangs. */
const MOST = 30_000;

/** Milliseconds for a small request, by what one took. r[iut.deadline.scaled] */
export const scaledBase = (roundTrip: number) => Math.min(MOST, Math.max(LEAST, 500 * roundTrip));
/** Milliseconds: a step of one byte is dozens of JSON to read and to answer, a hundred thousand of them seconds in a slow language. */
const PER_STEP = 0.1;

/** What the link check took, in milliseconds. */
interface Measured {
  readonly roundTrip: number;
  readonly longLine: number;
}

/** Milliseconds for what is put to an IUT: its own number, or scaled to what this machine and IUT took for the link check. r[iut.deadline.scaled] */
export class CaseDeadline {
  /** For a request that is no case. */
  readonly base: number;
  readonly #perByte: number;

  private constructor(base: number, perByte: number) {
    this.base = base;
    this.#perByte = perByte;
  }

  static fixed(ms: number = LEAST): CaseDeadline {
    return new CaseDeadline(ms, 0);
  }

  static scaled({ roundTrip, longLine }: Measured): CaseDeadline {
    return new CaseDeadline(scaledBase(roundTrip), Math.max(1e-3, (50 * longLine) / LINE_LIMIT));
  }

  /** So many times as long. */
  times(factor: number): CaseDeadline {
    return new CaseDeadline(factor * this.base, factor * this.#perByte);
  }

  of(about: Pick<Case, "steps">): number {
    const { bytes, steps } = weightOf(about);
    return this.base + bytes * this.#perByte + steps * PER_STEP;
  }
}
