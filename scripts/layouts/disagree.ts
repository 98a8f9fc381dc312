import { isDeepStrictEqual } from "node:util";
import { bytesEvent } from "@tensorwire/conformance/corpus";
import type { Place, Stated } from "./stated.ts";

/** One field as a tool read it. A tool without integers of 64 bits gives what its doubles hold. */
export interface SeenField extends Place {
  readonly value?: bigint | number;
  /** The bytes that it took for the field's, where it tells them. */
  readonly hex?: string;
}

export interface SeenMessage {
  readonly fields: readonly SeenField[];
  /** Where it ends, if it is whole. */
  readonly end?: number;
}

export type Seen = readonly SeenMessage[];

/** What a tool saw of a vector and the vector does not say, or the other way round. None where both agree. */
export function disagreements(stated: Stated, seen: Seen): string[] {
  const { ending, at, ends } = stated;
  const faults: string[] = [];
  const border = ends.at(-1) ?? 0;
  // Of a message that never became whole a tool may have shown a part or nothing.
  const whole = ending === "eof" ? border : at;
  const expected = stated.fields.filter(({ end }) => end <= whole);
  const got = seen.flatMap(({ fields }) => fields).filter(({ start, end }) => start < end && end <= whole);
  for (let i = 0; i < Math.max(expected.length, got.length); i++) {
    const [want, have] = [expected[i], got[i]];
    if (want && have && want.field === have.field && want.start === have.start && want.end === have.end) {
      const bytes = have.hex ?? stated.bytes.subarray(want.start, want.end).toHex();
      if (sameNumber(want.value, have.value) && bytes === stated.bytes.subarray(want.start, want.end).toHex()) continue;
    }
    faults.push(`${stated.id}: field ${i} is ${shown(want)}, but was read as ${shown(have)}`);
    break;
  }
  const read = seen
    .flatMap(({ end }) => end ?? [])
    .filter((end) => end < at || (end === at && ending !== "above" && ending !== "limit"));
  const due = ending === "above" ? ends.filter((end) => end < at) : ends;
  if (!isDeepStrictEqual(read, [...due])) {
    faults.push(
      `${stated.id}: messages end at ${due.join(", ") || "none"}, but were read to ${read.join(", ") || "none"}`,
    );
  }
  return faults.length > 0 ? faults : valueFaults(stated, seen);
}

/** r[tp.header.int64-exact]: bigints are compared exactly, doubles as far as they go. */
function sameNumber(want: bigint | undefined, have: bigint | number | undefined): boolean {
  if (want === undefined || have === undefined) return want === have;
  if (typeof have === "bigint") return want === have;
  if (Number.isSafeInteger(have)) return want === BigInt(have);
  return Math.abs(Number(want) - have) <= Math.abs(have) * Number.EPSILON;
}

const shown = (field: SeenField | undefined) =>
  field === undefined
    ? "none"
    : `${field.field} at ${field.start} to ${field.end}${field.value === undefined ? "" : `, ${field.value}`}`;

/** The payloads, parts and tensors that the events tell, out of the fields. */
function valueFaults({ id, values, bytes, layout }: Stated, seen: Seen): string[] {
  return values.flatMap((value, i) => {
    if (value === null) return [];
    const said = sayingOf(seen[i]!.fields, bytes, layout.profile);
    const told = Object.fromEntries(Object.keys(said).map((key) => [key, (value as Record<string, unknown>)[key]]));
    return isDeepStrictEqual(said, told)
      ? []
      : [`${id}: message ${i} says ${JSON.stringify(told)}, but was read as ${JSON.stringify(said)}`];
  });
}

const SLOTS = ["call_id", "chunk_index", "control_epoch", "cache_epoch"];

function sayingOf(fields: readonly SeenField[], bytes: Uint8Array, profile: string): Record<string, unknown> {
  const run = ({ start, end }: Place) => {
    const { event: _, ...form } = bytesEvent(bytes.subarray(start, end)) as { event: string; hex?: string };
    return form.hex ?? form;
  };
  const all = (name: string) => fields.filter(({ field }) => field === name);
  const number = (name: string) => all(name).map(({ value }) => Number(value))[0]!;
  if (profile === "tp" || profile === "pp-envelope") {
    // Integers beyond a double's were compared field by field.
    const slots = SLOTS.filter((slot) => Number.isSafeInteger(number(slot)));
    if (slots.length < SLOTS.length) return {};
    const ids = Object.fromEntries(SLOTS.map((slot) => [slot, String(number(slot))]));
    const header = { ...ids, action: ["NOOP", "INFER", "SHUTDOWN"][number("action")] };
    return number("action") === 1 ? { header, tensors: all("tensor").map(run) } : { header };
  }
  if (profile === "pp-result") return { tensors: all("tensor").map(run) };
  if (profile.startsWith("multipart")) {
    const records = fields.flatMap((field, i): unknown[] => {
      if (field.field !== "body" && field.field !== "part") return [];
      const hash = fields[i - 1]!.field === "typehash" ? fields[i - 1]! : undefined;
      if (hash === undefined) return [run(field)];
      const typehash = BigInt(`0x${bytes.subarray(hash.start, hash.end).toHex()}`).toString();
      return [{ typehash, bytes: run(field) }];
    });
    return { body: records[0], parts: records.slice(1) };
  }
  const lead = ["tag", "flag"].filter((name) => all(name).length > 0).map((name) => [name, number(name)]);
  return { ...Object.fromEntries(lead), payload: run(all("payload")[0]!) };
}
