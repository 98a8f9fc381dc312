import type { EventClass, Json } from "../protocol.ts";
import type { Draw } from "./draw.ts";
import { Proto, varint } from "./protobuf.ts";

/** A tensor with its spec. */
export interface Tensor {
  readonly key: string;
  readonly index?: number;
  readonly dtype: string;
  readonly shape: readonly bigint[];
  readonly bytes: Uint8Array;
  /** The dimensions each in a field of its own: as right as packed, and what an old writer does. */
  readonly unpacked?: boolean;
  /** In the place of the key's UTF-8. */
  readonly rawKey?: Uint8Array;
}

/** Those that every receiver takes. */
export const DTYPES = { int64: 8, float16: 2, bfloat16: 2, float32: 4 } as const;
type Dtype = keyof typeof DTYPES;
const NAMES = Object.keys(DTYPES) as Dtype[];

// UTF-16 has the last two the other way round. No tensor that a step asks for can be spelled with these. r[tp.spec.order]
const LETTERS = ["a", "k", "z", "K", "_", ".", "7", "é", "中", "～", "🙂"];

export const drawWord = (draw: Draw, least = 1) =>
  Array.from({ length: draw.integer(least, 6) }, () => draw.pick(LETTERS)).join("");

export function drawTensor(
  draw: Draw,
  given: { key: string; index?: number; dtype?: Dtype; shape?: number[] },
): Tensor {
  const dtype = given.dtype ?? draw.pick(NAMES);
  const shape =
    given.shape ?? Array.from({ length: draw.integer(0, 3) }, () => draw.integer(draw.chance(10) ? 0 : 1, 3));
  const elements = shape.reduce((product, dimension) => product * dimension, 1);
  return {
    key: given.key,
    ...(given.index !== undefined && { index: given.index }),
    dtype,
    shape: shape.map(BigInt),
    bytes: draw.bytes(elements * DTYPES[dtype]),
    unpacked: draw.chance(15),
  };
}

/** Tensors that nothing asks for, one name sometimes under several indices. Different from each other. */
export function drawTensors(draw: Draw, least: number, most: number): Tensor[] {
  const drawn = new Map<string, Tensor>();
  const count = draw.integer(least, most);
  while (drawn.size < count) {
    const again = drawn.size > 0 && draw.chance(40);
    const key = again ? draw.pick([...drawn.values()]).key : drawWord(draw);
    const index = draw.chance(50) ? draw.pick([0, 1, 2, 10, draw.integer(0, 2 ** 32 - 1)]) : undefined;
    drawn.set(JSON.stringify([key, index]), drawTensor(draw, { key, ...(index !== undefined && { index }) }));
  }
  return sorted([...drawn.values()]);
}

/** By the UTF-8 bytes of the key, then an absent index, then numbers. r[tp.spec.order] */
export function sorted(tensors: readonly Tensor[]): Tensor[] {
  return [...tensors].sort(
    (a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)) || (a.index ?? -1) - (b.index ?? -1),
  );
}

export function specOf({ key, index, dtype, shape, unpacked, rawKey }: Tensor): Proto {
  const spec = new Proto();
  if (rawKey !== undefined) spec.bytes(1, rawKey);
  else if (key !== "") spec.text(1, key);
  if (index !== undefined) spec.integer(2, BigInt(index));
  if (dtype !== "") spec.text(3, dtype);
  if (unpacked === true) for (const dimension of shape) spec.integer(4, dimension);
  else if (shape.length > 0) spec.bytes(4, Uint8Array.from(shape.flatMap((dimension) => [...varint(dimension)])));
  return spec;
}

export const shownSpec = ({ key, index, dtype, shape }: Tensor): Json => ({
  key,
  ...(index !== undefined && { index }),
  dtype,
  shape: shape.map(Number),
});

/** What of a message with tensors a fault changes. */
export interface Spoilable {
  tensors: Tensor[];
  /** In the place of the tensors' own bytes. */
  parts?: Uint8Array[];
}

/** A single fault of specs or parts. `least`: how many tensors it needs. */
export interface SpecFault {
  readonly name: string;
  readonly rule: string;
  readonly least: number;
  readonly class: EventClass;
  spoil(content: Spoilable, draw: Draw): void;
}

const partsOf = ({ tensors }: Spoilable) => tensors.map(({ bytes }) => bytes);
const fault = (name: string, rule: string, least: number, spoil: SpecFault["spoil"]): SpecFault => ({
  ...{ name, rule, least, spoil },
  class: "spec.mismatch",
});
/** One of the tensors, changed. */
const changed = (change: (tensor: Tensor, draw: Draw) => Partial<Tensor>) => (content: Spoilable, draw: Draw) => {
  const at = draw.integer(0, content.tensors.length - 1);
  content.tensors = content.tensors.map((each, i) => (i === at ? { ...each, ...change(each, draw) } : each));
};

export const SPEC_FAULTS: readonly SpecFault[] = [
  fault("unsorted", "tp.spec.order", 2, (content, draw) => {
    const at = draw.integer(0, content.tensors.length - 2);
    const [a, b] = content.tensors.slice(at, at + 2);
    content.tensors = content.tensors.toSpliced(at, 2, b!, a!);
  }),
  fault("doubled", "tp.spec.unique", 1, (content, draw) => {
    const at = draw.integer(0, content.tensors.length - 1);
    content.tensors = content.tensors.toSpliced(at, 0, content.tensors[at]!);
  }),
  fault(
    "dtype",
    "tp.spec.dtype-known",
    1,
    changed((_, draw) => ({ dtype: draw.pick(["float31", "Float32", "int128", "f32", "float32 ", ""]) })),
  ),
  fault(
    "key-empty",
    "tp.spec.key",
    1,
    // The first, so that the order stays right.
    (content) => {
      const [first, ...rest] = content.tensors;
      content.tensors = [{ ...first!, key: "" }, ...rest];
    },
  ),
  fault(
    "product",
    "tp.spec.product",
    1,
    changed((_, draw) => {
      const bits = BigInt(draw.integer(16, 48));
      return { shape: [1n << bits, 1n << (64n - bits)], bytes: new Uint8Array() };
    }),
  ),
  fault("part-length", "tp.spec.part-length", 1, (content, draw) => {
    const at = draw.integer(0, content.tensors.length - 1);
    const parts = partsOf(content);
    const whole = parts[at]!;
    const fewer = whole.length > 0 && draw.chance(50);
    const other = fewer
      ? whole.subarray(0, draw.integer(0, whole.length - 1))
      : draw.bytes(whole.length + draw.integer(1, 9));
    content.parts = parts.toSpliced(at, 1, other);
  }),
  fault("part-missing", "tp.spec.parts", 1, (content) => {
    content.parts = partsOf(content).slice(0, -1);
  }),
  fault("part-surplus", "tp.spec.parts", 0, (content, draw) => {
    content.parts = [...partsOf(content), draw.bytes(draw.integer(0, 20))];
  }),
  {
    ...fault(
      "key-no-utf8",
      "tp.manifest.message",
      1,
      changed(() => ({ rawKey: Uint8Array.of(0x61, 0xff) })),
    ),
    class: "header.length",
  },
];
