import KaitaiStream from "kaitai-struct/KaitaiStream.js";
import compiler from "kaitai-struct-compiler";
import type { Seen, SeenField } from "./disagree.ts";
import type { Layout } from "./layout.ts";
import { fieldsOf, isNumber, WIDTHS } from "./layout.ts";

export type KaitaiEnding = "end" | "eof" | "value";
export type KaitaiReader = (bytes: Uint8Array) => { readonly seen: Seen; readonly ending: KaitaiEnding };

/** What a parser compiled for debugging leaves of each attribute; without an `end` it failed there. */
interface Span {
  readonly start: number;
  readonly end?: number;
  readonly ioOffset: number;
}
interface Parsed {
  readonly _debug: Readonly<Record<string, Span>>;
  readonly _read: () => void;
  readonly [attribute: string]: unknown;
}
type Parser = new (stream: KaitaiStream) => Parsed;

/** The parser that Kaitai's own compiler makes of a description, as text. */
export async function kaitaiReader(text: string, layout: Layout): Promise<KaitaiReader> {
  const [code] = Object.values(await compiler.compile("javascript", Bun.YAML.parse(text), null, true));
  const exported: Record<string, Parser> = {};
  new Function("exports", "require", code!)(exported, () => WideStream);
  const [Root] = Object.values(exported);
  const widths = new Map(
    fieldsOf(layout.message).map((field) => [field.field, isNumber(field) ? WIDTHS[field.type] : 0]),
  );

  return (bytes) => {
    // A copy, since the runtime counts from the beginning of the buffer.
    const root = new Root!(new WideStream(Uint8Array.from(bytes).buffer));
    const ending = endingOf(() => root._read());
    const messages = (root.messages ?? []) as readonly Parsed[];
    const spans = (root._debug.messages as { arr?: readonly Span[] } | undefined)?.arr ?? [];
    const seen = messages.map((message, i) => {
      const fields: SeenField[] = [];
      collect(message, fields, widths);
      const end = spans[i]?.end;
      return end === undefined ? { fields } : { fields, end };
    });
    return { seen, ending };
  };
}

/**
 * What the runtime for JavaScript gets wrong (0.11.0), done right: it takes the number of bytes to read modulo 2^32, so that a record of 2^32 + 5
 * bytes would be one of 5, and a negative number whose low half is below 2^31 comes out by 2^32 too high.
 */
class WideStream extends KaitaiStream {
  override mapUint8Array(length: number): Uint8Array {
    if (length < 0) throw new KaitaiStream.EOFError(length, 0);
    this.ensureBytesLeft(length);
    return super.mapUint8Array(length);
  }
  override readS8le(): number {
    const [low, high] = [this.readU4le(), this.readU4le()];
    return Number(BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low)));
  }
}

function endingOf(read: () => void): KaitaiEnding {
  try {
    read();
    return "end";
  } catch (error) {
    if (error instanceof KaitaiStream.EOFError) return "eof";
    if (error instanceof KaitaiStream.ValidationNotAnyOfError) return "value";
    throw error;
  }
}

/** The attributes in the order in which they were read; halves of a number are one field under their common name. */
function collect(parsed: Parsed, fields: SeenField[], widths: ReadonlyMap<string, number>): void {
  for (const [name, { start, end, ioOffset }] of Object.entries(parsed._debug)) {
    if (name.startsWith("_m_")) continue; // the sum of two halves
    const value = parsed[name];
    if (Array.isArray(value) || isParsed(value)) {
      for (const inner of [value].flat() as Parsed[]) collect(inner, fields, widths);
      continue;
    }
    const half = name.replace(/Low$/, "");
    const field = half.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    const width = widths.get(field);
    if (width === undefined || end === undefined) continue;
    const read = parsed[half];
    const place = { field, start: (width === 0 ? start : end - width) + ioOffset, end: end + ioOffset };
    fields.push(typeof read === "number" ? { ...place, value: read } : place);
  }
}

const isParsed = (value: unknown): value is Parsed => typeof value === "object" && value !== null && "_debug" in value;
