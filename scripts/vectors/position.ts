import type { FieldType, FileDecodeVector, ProfileFile } from "@tensorwire/conformance/corpus";
import type { Json } from "@tensorwire/conformance/protocol";

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
 * object are told apart, none survives a double, and each field has a value above 2^53 and a negative one.
 */
export function valueFaults(profile: string, vectors: readonly FileDecodeVector[]): string[] {
  const faults: string[] = [];
  const proven = new Map<string, bigint[]>();
  for (const { id, events, position_proof } of vectors) {
    for (const event of events) {
      if (event.event !== "message") continue;
      for (const object of wideIntegers(event.value)) {
        for (const [i, [path, value]] of object.entries()) {
          const values = proven.get(path) ?? [];
          proven.set(path, values);
          if (!position_proof) continue;
          values.push(value);
          if (BigInt(Number(value)) === value) faults.push(`${id}: ${path} survives a trip through a double`);
          const twin = object.slice(i + 1).find(([, other]) => other === value);
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

/** For each object of a value its decimal strings, by their paths. kwargs are the sender's own. */
function wideIntegers(value: Json, path = ""): [path: string, value: bigint][][] {
  if (typeof value !== "object" || value === null || path.endsWith("kwargs")) return [];
  const own: [string, bigint][] = [];
  const inner = Object.entries(value).flatMap(([name, item]) => {
    const at = path === "" ? name : `${path}.${name}`;
    if (typeof item !== "string" || !DECIMAL.test(item) || !WIDE.has(name)) return wideIntegers(item as Json, at);
    own.push([at, BigInt(item)]);
    return [];
  });
  return own.length === 0 ? inner : [own, ...inner];
}

const DECIMAL = /^-?[0-9]+$/;
/** The int64 fields of the messages in `spec/proto`; the strings of a value are also keys and bytes. */
const WIDE: ReadonlySet<string> = new Set([
  ...["call_id", "chunk_index", "control_epoch", "cache_epoch", "current_start_frame", "base_seed"],
  ...["mesh_current_start_frame", "output_digest_i64"],
]);

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
