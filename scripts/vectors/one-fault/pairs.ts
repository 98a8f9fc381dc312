import { Reader } from "protobufjs/minimal.js";
import { type Donor, type Edit, edits } from "./edits.ts";
import { BODIES, bytesOf, type Group, group, type Node, type Sized, varint } from "./tree.ts";

/**
 * Edits of what is one thing and stands in two places: a tensor, which is a spec and a part, and the part's length, which follows from the
 * spec's dtype and shape; a field of the header that the envelope says again; and what must follow from the message before.
 */

/** The number of tensor_specs in each body. */
const SPECS: Readonly<Record<string, string>> = { manifest: "manifest.2", envelope: "envelope.6", result: "result.5" };
/** The slots of the header that an envelope says again, with their numbers there. */
const COPIES: Readonly<Record<string, number>> = { action: 2, call_id: 3, chunk_index: 4, cache_epoch: 5 };
/** The fields of a spec that say how long its part is. */
const DTYPE = 3;
const SHAPE = 4;
/** Bytes of an element. */
const WIDTHS: Readonly<Record<string, number>> = {
  ...{ float64: 8, float32: 4, float16: 2, bfloat16: 2, int64: 8, int32: 4, int16: 2, int8: 1, uint8: 1, bool: 1 },
};
/** What follows is built. */
const LARGEST = 1n << 20n;
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
  const fewest = Math.min(...donor.parents(body.name).map((other) => count(other.items, name)));
  if (own.length > fewest) for (const k of parts.keys()) yield put(own.toSpliced(k, 1), parts.toSpliced(k, 1));
  for (const [k, spec] of own.entries()) {
    const part = parts[k];
    if (part?.kind !== "sized") continue;
    const described = sizeOf(spec as Group);
    const carried = BigInt(part.items.reduce((sum, item) => sum + bytesOf(item).length, 0));
    for (const { tree } of edits(spec, donor)) {
      const size = sizeOf(tree as Group);
      if (described === undefined || size === undefined) continue;
      // By as much as the spec's own changes: a part that does not fit its spec goes on not to fit. Some fit a product that wraps.
      for (const bits of [64, 32]) {
        const follows = BigInt.asUintN(bits, carried + size - described);
        if (follows <= LARGEST) yield put(own.with(k, tree), parts.with(k, resized(part, Number(follows))));
      }
    }
  }
  for (const frameOther of donor.parents("length")) {
    const other = bodyOf([frameOther]);
    if (other === undefined) continue;
    for (const [j, spec] of other.body.items.filter((item) => item.name === name).entries()) {
      const part = other.frame.items[j + 1];
      if (part === undefined) continue;
      for (const k of [...own.keys(), own.length]) {
        yield put(own.toSpliced(k, 0, spec), parts.toSpliced(k, 0, part));
      }
    }
  }
}

/** Bytes of the part that a spec describes; undefined where its dtype is none. */
function sizeOf({ name, items }: Group): bigint | undefined {
  const content = items.find(({ kind }) => kind === "sized");
  const fields = content?.kind === "sized" ? content.items : [];
  const contentOf = (number: number): Uint8Array => {
    const field = fields.find((item) => item.name === `${name}.${number}`);
    const value = field?.kind === "group" ? field.items[1] : undefined;
    return value?.kind === "sized" ? Buffer.concat(value.items.map(bytesOf)) : new Uint8Array();
  };
  const width = WIDTHS[new TextDecoder().decode(contentOf(DTYPE))];
  if (width === undefined) return undefined;
  const reader = Reader.create(contentOf(SHAPE));
  let size = BigInt(width);
  while (reader.pos < reader.len) size *= BigInt(reader.uint64().toString());
  return size;
}

function resized({ raw: _, ...part }: Sized, size: number): Sized {
  const bytes = Buffer.concat([...part.items.map(bytesOf), new Uint8Array(size)]).subarray(0, size);
  return { ...part, items: size === 0 ? [] : [{ kind: "leaf", name: "tensor", bytes }] };
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

const count = (items: readonly Node[], name: string): number => items.filter((item) => item.name === name).length;
