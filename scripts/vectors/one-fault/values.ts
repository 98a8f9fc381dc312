import type { Json } from "@tensorwire/conformance/protocol";

/** Changes of one place of a message to encode: each takes what it puts there from a message that is accepted. */

type Fields = { readonly [key: string]: Json };
/** Two members that are one thing: a tensor is a spec and a part. */
const TENSORS = ["tensor_specs", "tensors"] as const;

/** Every value that differs from `value` in one place, and is there as in `donor`. */
export function* valueEdits(value: Json, donor: Json): Generator<Json> {
  yield* changes(value, donor);
  yield* tensors(value, donor);
}

function* changes(value: Json, donor: Json): Generator<Json> {
  if (Array.isArray(value) && Array.isArray(donor)) yield* itemChanges(value, donor);
  else if (isFields(value) && isFields(donor)) yield* fieldChanges(value, donor);
  else if (!Bun.deepEquals(value, donor)) yield donor;
}

function* itemChanges(value: readonly Json[], donor: readonly Json[]): Generator<Json> {
  for (const [i, item] of value.entries()) {
    yield value.toSpliced(i, 1);
    if (i + 1 < value.length) yield value.toSpliced(i, 2, value[i + 1]!, item);
    for (const other of donor) for (const changed of changes(item, other)) yield value.with(i, changed);
  }
  for (const [i, item] of donor.entries()) yield value.toSpliced(Math.min(i, value.length), 0, item);
}

function* fieldChanges(value: Fields, donor: Fields): Generator<Json> {
  for (const [name, item] of Object.entries(value)) {
    const { [name]: _, ...others } = value;
    yield others;
    const other = donor[name];
    if (other !== undefined) for (const changed of changes(item, other)) yield { ...value, [name]: changed };
    if (other !== undefined && kindOf(other) !== kindOf(item)) yield { ...value, [name]: other };
  }
  for (const [name, item] of Object.entries(donor)) if (!(name in value)) yield { ...value, [name]: item };
}

/** A tensor less, more, or in the place of another; its spec stands in the manifest of a `tp` message, or at the top. */
function* tensors(value: Json, donor: Json): Generator<Json> {
  if (!isFields(value) || !isFields(donor)) return;
  const holder = "manifest" in value ? "manifest" : undefined;
  const [specsName, partsName] = TENSORS;
  const own = holder === undefined ? value : value[holder];
  const other = holder === undefined ? donor : donor[holder];
  if (own === undefined || other === undefined || !isFields(own) || !isFields(other)) return;
  const specs = listOf(own[specsName]);
  const parts = listOf(value[partsName]);
  const otherParts = listOf(donor[partsName]);
  const put = (changed: readonly Json[], blobs: readonly Json[]): Json => {
    const body = { ...own, [specsName]: changed };
    return { ...(holder === undefined ? body : { ...value, [holder]: body }), [partsName]: blobs };
  };
  const count = Math.max(specs.length, parts.length);
  for (let k = 0; k <= count; k++) {
    if (k < count) yield put(specs.toSpliced(k, 1), parts.toSpliced(k, 1));
    for (const [j, spec] of listOf(other[specsName]).entries()) {
      const part = otherParts[j];
      if (part === undefined) continue;
      if (k < count) yield put(specs.toSpliced(k, 1, spec), parts.toSpliced(k, 1, part));
      yield put(specs.toSpliced(k, 0, spec), parts.toSpliced(k, 0, part));
    }
  }
}

const listOf = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? value : []);

function isFields(value: Json): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const kindOf = (value: Json) => (Array.isArray(value) ? "list" : value === null ? "null" : typeof value);
