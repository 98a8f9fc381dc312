import type { FieldType, FileDecodeVector, ProfileFile } from "@tensorwire/conformance/corpus";

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
