import type { FieldType, FileDecodeVector, ProfileFile } from "@tensorwire/conformance/corpus";
import type { Json } from "@tensorwire/conformance/protocol";
import { bodiesIn, type Message, messagesIn, type Place, type Scalar } from "./body-values.ts";

/**
 * The position-proof lint: values for which a swapped field, a reversed one or a trip through a double cannot cancel out.
 * It makes each of these mistakes and demands that the bytes change.
 */

interface Field {
  readonly name: string;
  readonly type: FieldType;
  readonly opaque: boolean;
  readonly bytes: Uint8Array;
}

/** The faults of all vectors of one profile that claim to be position-proof, and of the fields that none of them proves. */
export function positionFaults(profile: ProfileFile, vectors: readonly FileDecodeVector[]): string[] {
  const proofs = vectors.filter(({ position_proof }) => position_proof);
  const faults = proofs.flatMap((vector) => vectorFaults(vector.id, fieldsOf(vector, profile)));
  const proven = proofs.flatMap((vector) => fieldsOf(vector, profile));
  for (const [name, { type, opaque }] of Object.entries(profile.fields)) {
    if (widthOf(type) < 2) continue;
    const values = proven.filter((field) => field.name === name).map(integerOf);
    const fault = (what: string) => faults.push(`${profile.profile}: no position-proof vector has ${what} in ${name}`);
    if (values.length === 0) fault("a value");
    if (!opaque) continue;
    if (!values.some((value) => value > 2n ** 53n)) fault("a value above 2^53");
    if (type === "i64le" && !values.some((value) => value < 0n)) fault("a negative value");
  }
  return faults;
}

function vectorFaults(id: string, fields: readonly Field[]): string[] {
  const faults: string[] = [];
  const seen = new Map<number, string>();
  for (const [i, field] of fields.entries()) {
    const { name, bytes } = field;
    if (equal(bytes, bytes.toReversed())) faults.push(`${id}: ${name} reversed is the same`);
    for (const other of fields.slice(i + 1)) {
      if (equal(bytes, other.bytes)) faults.push(`${id}: ${name} and ${other.name} swapped are the same`);
    }
    if (!field.opaque) continue;
    const value = integerOf(field);
    if (BigInt(Number(value)) === value) faults.push(`${id}: ${name} survives a trip through a double`);
    for (const byte of bytes) {
      const holder = seen.get(byte);
      if (holder) faults.push(`${id}: the byte 0x${byte.toString(16)} stands in ${holder} and in ${name}`);
      seen.set(byte, name);
    }
  }
  return faults;
}

/**
 * The same for the integers of protobuf bodies, which no segment marks: they stand in the values as decimal strings. Those of one
 * message are told apart, none survives a double, and each field has a value above 2^53 and a negative one.
 */
export function valueFaults(profile: string, place: Place, vectors: readonly FileDecodeVector[]): string[] {
  const faults: string[] = [];
  const proven = new Map<string, bigint[]>();
  for (const { id, events, position_proof } of vectors) {
    for (const event of events) {
      if (event.event !== "message") continue;
      for (const message of messagesIn(event.value, place)) {
        const integers = wideIntegers(message);
        for (const [i, [path, value]] of integers.entries()) {
          const values = proven.get(path) ?? [];
          proven.set(path, values);
          if (!position_proof) continue;
          values.push(value);
          if (BigInt(Number(value)) === value) faults.push(`${id}: ${path} survives a trip through a double`);
          const twin = integers.slice(i + 1).find(([, other]) => other === value);
          if (twin) faults.push(`${id}: ${path} and ${twin[0]} swapped are the same`);
        }
      }
    }
  }
  for (const [path, values] of proven) {
    const fault = (what: string) => faults.push(`${profile}: no position-proof vector has ${what} in ${path}`);
    if (!values.some((value) => value > 2n ** 53n)) fault("a value above 2^53");
    if (!values.some((value) => value < 0n)) fault("a negative value");
  }
  return faults;
}

/** The int64 fields of a message, by their paths. */
function wideIntegers({ body, path, fields }: Message): [path: string, value: bigint][] {
  const names = body.scalars.filter(({ type }) => type === "int64").map(({ name }) => name);
  return names.flatMap((name): [string, bigint][] => {
    const { [name]: value } = fields;
    return typeof value === "string" ? [[path === "" ? name : `${path}.${name}`, BigInt(value)]] : [];
  });
}

/** What the vectors of one profile and role have an implementation read or write. */
export interface Accepted {
  readonly profile: string;
  readonly role: "decode" | "encode";
  readonly place: Place;
  readonly values: readonly Json[];
}

/** Fields of which the specification allows one value, with the reason. */
const FIXED: Readonly<Record<string, string>> = {
  "TPManifest.tp_envelope_version": "There is one version so far. r[tp.manifest.version]",
  "PPEnvelopeV1.pp_envelope_version": "There is one version so far. r[pp.manifest.version]",
  "PPResultV1.pp_result_version": "There is one version so far. r[pp.manifest.version]",
  "VideoStep.pp_disable_vace": "It has to be true. r[pp.video.disable-vace]",
};

/**
 * That the vectors of a profile and role together tell each scalar field of a protobuf body from every other one of its type: some vector
 * has both, with different values. Beside that a bool is true and false, a number has two values, and a double one that float32
 * does not hold, so that no field can be left out, made up or cut.
 */
export function fieldFaults(accepted: readonly Accepted[], fixed = FIXED): string[] {
  const faults: string[] = [];
  const unused = new Set(Object.keys(fixed));
  for (const { profile, role, place, values } of accepted) {
    const messages = values.flatMap((value) => messagesIn(value, place));
    for (const body of bodiesIn(place.body)) {
      const own = messages.filter((message) => message.body.name === body.name);
      for (const [i, { name, type }] of body.scalars.entries()) {
        const field = `${body.name}.${name}`;
        const fault = (what: string) => faults.push(`${profile}, ${role}: ${field} ${what}`);
        const held = new Set(own.map(({ fields }) => fields[name]).filter((value) => value !== undefined));
        const lack = lackOf(type, held);
        unused.delete(field);
        if (lack !== null && (held.size === 0 || !(field in fixed))) fault(lack);
        if (lack === null && field in fixed) fault("has several values, and a reason says that it has one");
        for (const other of body.scalars.slice(i + 1)) {
          if (other.type !== type || own.some(({ fields }) => differ(fields[name], fields[other.name]))) continue;
          fault(`and ${body.name}.${other.name}, both ${type}, are told apart by no vector`);
        }
      }
    }
  }
  for (const field of unused) faults.push(`${field}: a reason for what is no field of a message`);
  return faults;
}

/** What is missing in the values of a field, or null. */
function lackOf(type: Scalar, values: ReadonlySet<Json | undefined>): string | null {
  if (values.size === 0) return "has no value";
  if (type === "bool") return values.size === 2 ? null : `is never ${!values.has(true)}`;
  if (values.size === 1) return `has no other value than ${[...values][0]}`;
  const wide = [...values].some((value) => typeof value === "number" && Math.fround(value) !== value);
  return type === "double" && !wide ? "has no value that float32 does not hold" : null;
}

function differ(one: Json | undefined, other: Json | undefined): boolean {
  return one !== undefined && other !== undefined && one !== other;
}

/** The integer fields of more than a byte, each where it first stands. */
function fieldsOf(vector: FileDecodeVector, { fields }: ProfileFile): Field[] {
  const found = new Map<string, Field>();
  for (const { field: name, hex } of vector.bytes) {
    const { type, opaque = false } = fields[name]!;
    if (hex === undefined || widthOf(type) < 2 || found.has(name)) continue;
    found.set(name, { name, type, opaque, bytes: Uint8Array.fromHex(hex) });
  }
  return [...found.values()];
}

function widthOf(type: FieldType): number {
  return { u8: 1, u32be: 4, u56be: 7, u64be: 8, i64le: 8, bytes: 0 }[type];
}

function integerOf({ type, bytes }: Field): bigint {
  const bigEndian = type === "i64le" ? bytes.toReversed() : bytes;
  const value = BigInt(`0x${bigEndian.toHex()}`);
  return type === "i64le" ? BigInt.asIntN(64, value) : value;
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Bun.deepEquals(a, b);
}
