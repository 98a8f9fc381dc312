/**
 * A strict reader (and writer) of safetensors files: an 8-byte little-endian header length, a JSON header, then the tensors'
 * bytes. Our own, because npm has none that reads tensors: `@huggingface/hub` parses headers for the web site's listings and
 * checks no offset, and `safetensors` 0.0.1 is abandoned. A weight file comes from anywhere, so every number is checked.
 */
import { open } from "node:fs/promises";
import { fromWire, toWire, type WireDtype } from "./wire-dtype.ts";

/** Bits of an element, for all dtypes of the format; only the three in `READABLE` become values. */
const BITS: Readonly<Record<string, number>> = {
  BOOL: 8,
  U8: 8,
  I8: 8,
  F8_E5M2: 8,
  F8_E4M3: 8,
  F8_E8M0: 8,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  I64: 64,
  U64: 64,
  F64: 64,
  C64: 64,
  F4: 4,
  F6_E2M3: 6,
  F6_E3M2: 6,
};
const READABLE: Readonly<Record<string, WireDtype>> = { F32: "float32", F16: "float16", BF16: "bfloat16" };
const STORED: Readonly<Record<WireDtype, string>> = { float32: "F32", float16: "F16", bfloat16: "BF16" };
/** The format's own limit. */
const MAX_HEADER = 100_000_000;

export interface TensorEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Where the bytes begin and end, counted from the first byte after the header. */
  readonly start: number;
  readonly end: number;
}

/**
 * Checks a header against the number of data bytes behind it: every entry has a known dtype, a sane shape and as many bytes as
 * both say; the entries cover the data without overlap, gap or remainder. Throws Error naming tensor and number.
 */
export function parseSafetensorsHeader(json: string, dataLength: number): Map<string, TensorEntry> {
  let header: unknown;
  try {
    header = JSON.parse(json);
  } catch (cause) {
    throw new Error(`safetensors: the header is no JSON: ${(cause as Error).message}`, { cause });
  }
  if (!isRecord(header)) throw new Error("safetensors: the header is no JSON object");
  const entries = new Map<string, TensorEntry>();
  for (const [name, value] of Object.entries(header)) {
    if (name !== "__metadata__") entries.set(name, parseEntry(name, value));
  }
  let position = 0;
  for (const [name, entry] of [...entries].sort(([, a], [, b]) => a.start - b.start || a.end - b.end)) {
    if (entry.start !== position) {
      const what = entry.start < position ? "overlaps the tensor before it" : "leaves a gap before it";
      throw new Error(`safetensors: ${name} starts at ${entry.start} and ${what}, expected ${position}`);
    }
    position = entry.end;
  }
  if (position !== dataLength) {
    throw new Error(`safetensors: the tensors cover ${position} bytes, the file holds ${dataLength} after its header`);
  }
  return entries;
}

function parseEntry(name: string, value: unknown): TensorEntry {
  const { dtype, shape, data_offsets: offsets } = isRecord(value) ? value : {};
  const bits = typeof dtype === "string" && Object.hasOwn(BITS, dtype) ? BITS[dtype] : undefined;
  if (typeof dtype !== "string" || bits === undefined) {
    throw new Error(
      `safetensors: ${name} has dtype ${JSON.stringify(dtype)}, expected one of ${Object.keys(BITS).join(", ")}`,
    );
  }
  if (!isSizes(shape)) throw new Error(`safetensors: ${name} has shape ${JSON.stringify(shape)}, expected sizes`);
  if (!isSizes(offsets) || offsets.length !== 2 || offsets[1]! < offsets[0]!) {
    throw new Error(`safetensors: ${name} has data_offsets ${JSON.stringify(offsets)}, expected [start, end]`);
  }
  const [start, end] = offsets as [number, number];
  const size = (shape.reduce((product, n) => product * n, 1) * bits) / 8;
  if (end - start !== size) {
    throw new Error(
      `safetensors: ${name} is ${dtype} [${shape.join(", ")}] of ${size} bytes, but its offsets span ${end - start}`,
    );
  }
  return { dtype, shape, start, end };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}

/** A safetensors file on disk. Only the header is read on opening; each tensor is read when asked for. */
export class SafetensorsFile {
  readonly path: string;
  readonly entries: ReadonlyMap<string, TensorEntry>;
  readonly #dataOffset: number;

  private constructor(path: string, entries: ReadonlyMap<string, TensorEntry>, dataOffset: number) {
    this.path = path;
    this.entries = entries;
    this.#dataOffset = dataOffset;
  }

  static async open(path: string): Promise<SafetensorsFile> {
    const handle = await open(path);
    try {
      const { size } = await handle.stat();
      const prefix = await readExactly(handle, path, 0, Math.min(size, 8));
      if (size < 8) throw new Error(`safetensors: ${path} has ${size} bytes, expected at least 8`);
      const length = Number(new DataView(prefix.buffer).getBigUint64(0, true));
      if (length > Math.min(MAX_HEADER, size - 8)) {
        throw new Error(
          `safetensors: ${path} declares a header of ${length} bytes, the file has ${size} and the limit is ${MAX_HEADER}`,
        );
      }
      const json = new TextDecoder("utf-8", { fatal: true }).decode(await readExactly(handle, path, 8, length));
      return new SafetensorsFile(path, parseSafetensorsHeader(json, size - 8 - length), 8 + length);
    } finally {
      await handle.close();
    }
  }

  /** The values of one tensor as float32. Throws for an unknown name and for a dtype other than F32, F16, BF16. */
  async read(name: string): Promise<{ values: Float32Array; shape: readonly number[] }> {
    const entry = this.entries.get(name);
    if (entry === undefined) throw new Error(`safetensors: ${this.path} has no tensor ${name}`);
    const dtype = READABLE[entry.dtype];
    if (dtype === undefined) throw new Error(`safetensors: ${name} is ${entry.dtype}, expected F32, F16 or BF16`);
    const handle = await open(this.path);
    try {
      const bytes = await readExactly(handle, this.path, this.#dataOffset + entry.start, entry.end - entry.start);
      return { values: fromWire(bytes, dtype), shape: entry.shape };
    } finally {
      await handle.close();
    }
  }
}

type Handle = Awaited<ReturnType<typeof open>>;

async function readExactly(
  handle: Handle,
  path: string,
  position: number,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  for (let got = 0; got < length; ) {
    const { bytesRead } = await handle.read(bytes, got, length - got, position + got);
    if (bytesRead === 0)
      throw new Error(`safetensors: ${path} ended at ${position + got}, expected ${position + length}`);
    got += bytesRead;
  }
  return bytes;
}

export interface StoredTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
  readonly dtype: WireDtype;
}

/** A whole file, with the header padded so that the tensors start on an 8-byte boundary. */
export function encodeSafetensors(tensors: readonly StoredTensor[]): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: { format: "pt" } };
  const parts: Uint8Array[] = [];
  let position = 0;
  for (const { name, shape, values, dtype } of tensors) {
    const bytes = toWire(values, dtype);
    header[name] = { dtype: STORED[dtype], shape, data_offsets: [position, position + bytes.length] };
    position += bytes.length;
    parts.push(bytes);
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const padding = (8 - (json.length % 8)) % 8;
  const prefix = new Uint8Array(8 + json.length + padding).fill(0x20);
  new DataView(prefix.buffer).setBigUint64(0, BigInt(json.length + padding), true);
  prefix.set(json, 8);
  return Buffer.concat([prefix, ...parts]);
}
