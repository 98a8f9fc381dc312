import { BODIES, bytesOf, type Group, group, type Leaf, type Node, type Sized } from "./tree.ts";

/** Changes of one place of a tree: each takes what it puts there from a tree that is accepted. */

type Parent = Group | Sized;
/** Bytes of a typehash. */
const HASH = 8;

/** The nodes of the accepted tree, by name. */
export class Donor {
  readonly #leaves = new Map<string, Uint8Array[]>();
  readonly #parents = new Map<string, Parent[]>();

  constructor(root: Node) {
    this.#take(root);
  }

  #take(node: Node): void {
    if (node.kind === "leaf") {
      push(this.#leaves, node.name, node.bytes);
      return;
    }
    push(this.#parents, node.name, node);
    for (const item of node.items) this.#take(item);
  }

  leaves(name: string): readonly Uint8Array[] {
    return this.#leaves.get(name) ?? [];
  }

  parents(name: string): readonly Parent[] {
    return this.#parents.get(name) ?? [];
  }
}

function push<Value>(map: Map<string, Value[]>, name: string, value: Value): void {
  const found = map.get(name);
  if (found === undefined) map.set(name, [value]);
  else found.push(value);
}

export interface Edit<Root extends Node = Node> {
  readonly what: string;
  readonly tree: Root;
}

/** Every tree that differs from `node` in one place. */
export function* edits<Root extends Node>(node: Root, donor: Donor): Generator<Edit<Root>> {
  if (node.kind === "leaf") {
    for (const bytes of leafEdits(node, donor)) yield { what: node.name, tree: { ...node, bytes } };
    return;
  }
  const { raw: _, ...parent } = node as Parent;
  for (const [i, item] of node.items.entries()) {
    for (const { what, tree } of edits(item, donor)) {
      yield { what, tree: { ...parent, items: node.items.with(i, tree) } as unknown as Root };
    }
  }
  for (const { what, ...change } of [...lengthEdits(node as Parent, donor), ...itemEdits(node as Parent, donor)]) {
    yield { what, tree: { ...parent, ...change } as unknown as Root };
  }
}

function leafEdits({ name, bytes }: Leaf, donor: Donor): Uint8Array[] {
  return donor.leaves(name).filter((other) => !Bun.deepEquals(other, bytes));
}

interface Change {
  readonly what: string;
  readonly surplus?: bigint;
  readonly uncounted?: number;
  readonly items?: readonly Node[];
}

function* lengthEdits(node: Parent, donor: Donor): Generator<Change> {
  if (node.kind !== "sized") return;
  const { name } = node;
  const others = donor.parents(name).filter((other) => other.kind === "sized");
  // The truth, or the same length: what it counts may never come.
  const size = sizeOf(node);
  const surpluses = others.flatMap((other) => [other.surplus, sizeOf(other) + other.surplus - size]);
  for (const surplus of new Set(surpluses)) if (surplus !== node.surplus) yield { what: name, surplus };
  // A typehash and the bit that says so are one thing; where the layout has no such field, its bytes are the first of the record.
  const [first] = node.items;
  if (node.type === "u64be" && first !== undefined && (node.surplus + size) >> 63n === 1n) {
    const items = node.items.with(0, { kind: "leaf", name: first.name, bytes: bytesOf(first).subarray(HASH) });
    yield { what: `${name} and hash`, surplus: node.surplus - (1n << 63n) + BigInt(HASH), items };
  }
  for (const other of others) {
    if (other.uncounted === node.uncounted) continue;
    const items = [...other.items.slice(0, other.uncounted), ...node.items.slice(node.uncounted)];
    yield { what: `${name} and typehash`, surplus: other.surplus, uncounted: other.uncounted, items };
  }
}

/** What a frame, a body or a message of protobuf repeats; what a header or the stream has cannot be taken out. */
function* itemEdits(node: Parent, donor: Donor): Generator<Change> {
  const { items, name } = node;
  if (name === "stream" || name === "message") return;
  for (const other of items.length === 0 ? donor.parents(name) : [])
    yield { what: `all of ${name}`, items: other.items };
  for (const [i, item] of items.entries()) {
    if (holdsBody(item)) continue;
    if (isMore(items, item.name, donor.parents(name))) {
      yield { what: `less ${item.name}`, items: items.toSpliced(i, 1), ...leadLess(node, i) };
    }
    const next = items[i + 1];
    if (next?.name !== item.name) continue;
    yield { what: `order of ${item.name}`, items: items.toSpliced(i, 2, next, item) };
    yield* merged(items, i);
  }
  for (const other of donor.parents(name)) {
    for (const [i, item] of other.items.entries()) {
      if (holdsBody(item)) continue;
      const at = Math.min(i, items.length);
      yield { what: `more ${item.name}`, items: items.toSpliced(at, 0, item) };
      if (at !== items.length) yield { what: `more ${item.name}`, items: [...items, item] };
      const own = items[i];
      if (own?.name === item.name && isPlain(own)) yield { what: item.name, items: items.with(i, item) };
    }
  }
}

/** Only what is too much can be taken out: there are more of the name than somewhere in the accepted tree. */
function isMore(items: readonly Node[], name: string, others: readonly Parent[]): boolean {
  const count = (list: readonly Node[]) => list.filter((item) => item.name === name).length;
  return others.length === 0 || others.some((other) => count(other.items) < count(items));
}

/** A field of protobuf with no fields inside: its number, type and value are one place. */
const isPlain = (node: Node): boolean =>
  node.kind === "group" &&
  node.items.every((item) => item.kind === "leaf" || item.items.every(({ kind }) => kind === "leaf"));

/** A field of protobuf that stands twice as one with what both have. */
function* merged(items: readonly Node[], at: number): Generator<Change> {
  const [one, other] = items.slice(at, at + 2) as readonly Node[];
  if (one?.kind !== "group" || other?.kind !== "group") return;
  const [key, value] = one.items;
  const second = other.items[1];
  if (value?.kind !== "sized" || second?.kind !== "sized") return;
  const { raw: _, ...content } = value;
  const whole = group(one.name, [key!, { ...content, items: [...value.items, ...second.items] }]);
  yield { what: `both ${one.name} as one`, items: items.toSpliced(at, 2, whole) };
}

/** A body, or the record around it: what is wrong must be found inside. */
const holdsBody = (node: Node): boolean =>
  BODIES.has(node.name) || (node.kind === "sized" && node.items.some(({ name }) => BODIES.has(name)));

const leadLess = (node: Parent, at: number): { uncounted?: number } =>
  node.kind === "sized" && at < node.uncounted ? { uncounted: node.uncounted - 1 } : {};

const sizeOf = ({ items, ...node }: Sized): bigint =>
  BigInt(items.slice(node.uncounted).reduce((sum, item) => sum + bytesOf(item).length, 0));
