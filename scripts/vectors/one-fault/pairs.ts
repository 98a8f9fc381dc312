import type { Donor, Edit } from "./edits.ts";
import { BODIES, bytesOf, type Group, group, type Node, type Sized, varint } from "./tree.ts";

/**
 * Edits of what is one thing and stands in two places: a tensor, which is a spec and a part; a field of the header that the envelope
 * says again; and what must follow from the message before.
 */

/** The number of tensor_specs in each body. */
const SPECS: Readonly<Record<string, string>> = { manifest: "manifest.2", envelope: "envelope.6", result: "result.5" };
/** The slots of the header that an envelope says again, with their numbers there. */
const COPIES: Readonly<Record<string, number>> = { action: 2, call_id: 3, chunk_index: 4, cache_epoch: 5 };
/** The int64 of the header that count up. */
const COUNTERS: ReadonlySet<string> = new Set(["call_id", "chunk_index", "control_epoch", "cache_epoch"]);

export function* pairEdits(stream: Group, donor: Donor): Generator<Edit<Group>> {
  const put = (at: number, items: readonly Node[]): Group => ({
    ...stream,
    items: stream.items.with(at, group("message", items)),
  });
  for (const [at, message] of (stream.items as readonly Group[]).entries()) {
    const before = stream.items[at - 1] as Group | undefined;
    for (const items of slotEdits(message, before, donor)) yield { what: "a slot of the header", tree: put(at, items) };
    for (const items of tensorEdits(message, donor)) yield { what: "a tensor", tree: put(at, items) };
    if (before !== undefined && isShutdown(before)) {
      yield { what: "what follows SHUTDOWN", tree: { ...stream, items: stream.items.slice(0, at) } };
    }
  }
}

const isShutdown = ({ items }: Group) => {
  const action = items.find(({ name }) => name === "action");
  return action !== undefined && bytesOf(action).toHex() === "0200000000000000";
};

function* slotEdits({ items }: Group, before: Group | undefined, donor: Donor): Generator<Node[]> {
  const body = bodyOf(items);
  for (const [at, slot] of items.entries()) {
    if (slot.kind !== "leaf" || slot.bytes.length !== 8) continue;
    const { name } = slot;
    const values = donor.leaves(name).map(int64);
    const earlier = before?.items.find((item) => item.name === name);
    if (earlier !== undefined && COUNTERS.has(name)) values.push(int64(bytesOf(earlier)), int64(bytesOf(earlier)) + 1n);
    for (const value of new Set(values)) {
      const header = items.with(at, { ...slot, bytes: littleEndian(value) });
      yield header;
      const number = COPIES[name];
      if (body?.body.name === "envelope" && number !== undefined)
        yield withBody(header, said(body.body, number, value));
    }
  }
}

/** The envelope with another int64 in its field; 0 is not said. */
function said(body: Group, number: number, value: bigint): Group {
  const name = `${body.name}.${number}`;
  const at = body.items.findIndex((item) => item.name === name);
  const field = group(name, [
    { kind: "leaf", name: `${name} key`, bytes: varint(BigInt(number << 3)) },
    { kind: "leaf", name: `${name} value`, bytes: varint(BigInt.asUintN(64, value)) },
  ]);
  const others = body.items.filter((item) => item.name !== name);
  return group(body.name, value === 0n ? others : others.toSpliced(at < 0 ? others.length : at, 0, field));
}

function* tensorEdits({ items }: Group, donor: Donor): Generator<Node[]> {
  const found = bodyOf(items);
  if (found === undefined) return;
  const { frame, body } = found;
  const name = SPECS[body.name]!;
  const first = body.items.findIndex((item) => item.name === name);
  const own = body.items.filter((item) => item.name === name);
  const others = body.items.filter((item) => item.name !== name);
  const parts = frame.items.slice(1);
  const put = (specs: readonly Node[], records: readonly Node[]) => {
    const fields = others.toSpliced(first < 0 ? others.length : first, 0, ...specs);
    const changed = withBody(items, group(body.name, fields));
    const at = changed.findIndex((item) => item.name === "length");
    const { raw: _, ...inner } = changed[at] as Sized;
    return changed.with(at, { ...inner, items: [inner.items[0]!, ...records] });
  };
  for (const k of parts.keys()) yield put(own.toSpliced(k, 1), parts.toSpliced(k, 1));
  for (const frameOther of donor.parents("length")) {
    const other = bodyOf([frameOther]);
    if (other === undefined) continue;
    for (const [j, spec] of other.body.items.filter((item) => item.name === name).entries()) {
      const part = other.frame.items[j + 1];
      if (part === undefined) continue;
      for (const k of [...own.keys(), own.length]) {
        if (k < own.length && k < parts.length) yield put(own.with(k, spec), parts.with(k, part));
        yield put(own.toSpliced(k, 0, spec), parts.toSpliced(k, 0, part));
      }
    }
  }
}

/** The frame of a message and the body that is its first record, where it reads as protobuf. */
function bodyOf(items: readonly Node[]): { readonly frame: Sized; readonly body: Group } | undefined {
  const frame = items.find((item): item is Sized => item.kind === "sized" && item.name === "length");
  const record = frame?.items[0];
  const body = record?.kind === "sized" ? record.items[0] : undefined;
  return body?.kind === "group" && BODIES.has(body.name) ? { frame: frame!, body } : undefined;
}

function withBody(items: readonly Node[], body: Group): Node[] {
  const at = items.findIndex((item) => item.name === "length");
  const frame = items[at] as Sized;
  const record = frame.items[0] as Sized;
  return items.with(at, { ...frame, items: frame.items.with(0, { ...record, items: [body] }) });
}

const int64 = (bytes: Uint8Array): bigint => new DataView(bytes.buffer, bytes.byteOffset, 8).getBigInt64(0, true);

function littleEndian(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigInt64(0, BigInt.asIntN(64, value), true);
  return bytes;
}
