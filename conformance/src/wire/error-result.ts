import type { ErrorResultStep } from "../corpus/wire-file.ts";
import { type Peer, WireFailure } from "./peer.ts";

/** An error result is a few ids and a sentence; what promises more is none. */
const MOST = 1 << 20;

/**
 * Takes one result off a connection, and holds it to the call that it must answer with an error. Its message is the implementation's
 * own, so that the bytes cannot be foretold: the few fields are read here. r[pp.result.exactly-one] r[pp.result.error-message]
 */
export async function takeErrorResult(
  peer: Peer,
  want: ErrorResultStep["error_result"],
  deadline: number,
): Promise<void> {
  const fail = (problem: string) =>
    new WireFailure(`${peer.name}: expected an error result of call ${want.call_id}; ${problem}`);
  const prefix = await peer.takeExactly(8, deadline);
  if (prefix.length < 8) throw fail(`${prefix.length} bytes came, and the end`);
  const length = Number(view(prefix).getBigUint64(0));
  if (length > MOST) throw fail(`a frame of ${length} bytes came`);
  const payload = await peer.takeExactly(length, deadline);
  if (payload.length < length) throw fail(`${payload.length} of its ${length} bytes came, and the end`);
  const body = length < 8 ? -1 : Number(view(payload).getBigUint64(0));
  if (body !== length - 8) throw fail(`its frame of ${length} bytes is no body without tensors`);
  const fields = fieldsOf(payload.subarray(8));
  if (fields === undefined) throw fail("its body is no protobuf message");
  const number = (field: number) => BigInt.asIntN(64, fields.numbers.get(field) ?? 0n);
  if (number(1) !== 1n) throw fail(`version ${number(1)} came`);
  for (const [field, name] of [
    [2, "call_id"],
    [3, "chunk_index"],
    [4, "cache_epoch"],
  ] as const) {
    if (String(number(field)) !== want[name]) throw fail(`${name} ${number(field)} came, not ${want[name]}`);
  }
  // An absent `ok` is true. r[pp.result.ok-default]
  if (fields.numbers.get(6) !== 0n) throw fail("an ok result came");
  // r[pp.result.tensors]
  if (fields.lengths.has(5)) throw fail("a tensor_spec came, and no tensor");
  if ((fields.lengths.get(7) ?? 0) === 0) throw fail("its error_message is empty");
}

const view = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The varints of a message by number, and the lengths of what is length-delimited; undefined where it is none. */
function fieldsOf(bytes: Uint8Array) {
  const numbers = new Map<number, bigint>();
  const lengths = new Map<number, number>();
  let at = 0;
  const varint = (): bigint | undefined => {
    let value = 0n;
    for (let shift = 0n; shift < 70n && at < bytes.length; shift += 7n) {
      const byte = bytes[at++] as number;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return undefined;
  };
  while (at < bytes.length) {
    const key = varint();
    if (key === undefined) return undefined;
    const [field, kind] = [Number(key >> 3n), Number(key & 7n)];
    if (kind === 0) {
      const value = varint();
      if (value === undefined) return undefined;
      numbers.set(field, value);
    } else if (kind === 1) at += 8;
    else if (kind === 5) at += 4;
    else if (kind === 2) {
      const length = varint();
      if (length === undefined) return undefined;
      lengths.set(field, Number(length));
      at += Number(length);
    } else return undefined;
  }
  return at === bytes.length ? { numbers, lengths } : undefined;
}
