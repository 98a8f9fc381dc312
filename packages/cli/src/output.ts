import { paintFor } from "@tensorwire/conformance/paint";
import { WireError } from "@tensorwire/framing";

/** Wrong words on the command line, as in sysexits.h. */
export const EXIT_USAGE = 64;

/** A defect of the harness or the corpus, as `conformance` ends with. */
const EXIT_DEFECT = 4;

/** Wrong words on the command line: exit 64. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** What `read` refuses is wrong words on the command line. */
export function asUsage<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** Ends the command with an error on stderr: the message alone, unless it is a bug of ours, which shows its stack. */
export function fail(error: unknown): void {
  const expected = error instanceof WireError || (error instanceof Error && error.constructor !== TypeError);
  const text = expected ? (error as Error).message : Bun.inspect(error);
  process.stderr.write(`${paintFor(process.stderr).bad("error")}: ${text}\n`);
  process.exitCode = statusOf(error);
}

function statusOf(error: unknown): number {
  if (!(error instanceof Error)) return 1;
  if (error.name === "UsageError") return EXIT_USAGE;
  return error.name === "CorpusDefect" ? EXIT_DEFECT : 1;
}

export const out = {
  line: (text = "") => process.stdout.write(`${text}\n`),
  json: (value: unknown) => process.stdout.write(`${JSON.stringify(value, toJson, 2)}\n`),
};

/** Bytes up to this length are shown whole. */
const HEX_LIMIT = 64;

/** 64-bit integers as decimal strings, bytes as hex, long bytes by length and digest, errors with their message. */
export function toJson(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof WireError) return { ...value, message: value.message };
  if (!(value instanceof Uint8Array)) return value;
  if (value.length <= HEX_LIMIT) return Buffer.from(value).toString("hex");
  return { length: value.length, sha256: new Bun.CryptoHasher("sha256").update(value).digest("hex") };
}

/** An option's value as an integer in `[least, most]`. */
export function integer(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new UsageError(`expected an integer from ${least} to ${most}, got "${text}"`);
  };
}

/** An option's value as a text that is not empty: an empty seed could not be repeated from a report. */
export function text(value: string): string {
  if (value !== "") return value;
  throw new UsageError("expected a text, it is empty");
}

/** An option's value as integers from `least`, with commas between. */
export function integers(least: number): (text: string) => number[] {
  return (text) => text.split(",").map(integer(least));
}

/** An option's value as one of a few words. */
export function oneOf<const Word extends string>(words: readonly Word[]): (text: string) => Word {
  return (text) => {
    const word = words.find((word) => word === text);
    if (word !== undefined) return word;
    throw new UsageError(`expected one of ${words.join(", ")}, got "${text}"`);
  };
}
