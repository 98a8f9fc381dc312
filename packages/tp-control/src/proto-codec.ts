import { fromJSON, type MessageTypeDefinition, type PackageDefinition } from "@grpc/proto-loader";
import { refusal, WireError } from "@tensorwire/framing";
import { type Blame, printable } from "@tensorwire/tensor-spec";
import protobuf from "protobufjs";
import { toWireObject } from "./proto-check.ts";
import { STRUCT_PROTO } from "./struct-proto.ts";
import { type Tally, walkWire, wireTableOf } from "./wire-walk.ts";

/**
 * One protobuf message as plain objects: fields by their proto names, 64-bit integers as bigints, enums by name, absent
 * `optional` fields and oneof members left out, all other absent fields at their default.
 */
export interface ProtoCodec<Message> {
  readonly name: string;
  /** @throws WireError refusal `header.field` that names the field, for a value that its type cannot carry. */
  encode(message: Message): Uint8Array;
  /**
   * Walks the bytes first, without making anything of them, and tells `tally` of repeated fields.
   *
   * @throws WireError `header.length`, made by `blame`, for bytes that are not the message, and what `tally` throws.
   */
  decode(bytes: Uint8Array, blame: Blame, tally?: Tally): Message;
}

/**
 * Loads `.proto` texts, each after the ones that it imports, and gives codecs by full message name. Texts, not paths: a
 * protocol package reads no file.
 */
export function loadProtos(texts: readonly string[]): <Message>(name: string) => ProtoCodec<Message> {
  const root = new protobuf.Root();
  for (const text of [STRUCT_PROTO, ...texts]) protobuf.parse(text, root, { keepCase: true });
  root.resolveAll();
  const definitions: PackageDefinition = fromJSON(root.toJSON(), {
    // Exact: the option takes the constructor since protobufjs 7.6, which its types do not say yet.
    longs: BigInt as unknown as NumberConstructor,
    enums: String,
    defaults: true,
  });
  return (name) => {
    const { serialize, deserialize } = definitions[name] as MessageTypeDefinition<object, object>;
    const type = root.lookupType(name);
    const table = wireTableOf(type);
    return {
      name,
      encode: (message) => serialize(toWireObject(type, message as object, refusal)),
      decode: (bytes, blame, tally) => {
        try {
          walkWire(table, bytes, tally);
          // A Reader passes for a Buffer: decode() wraps only what is not one.
          return deserialize(new StrictReader(bytes) as unknown as Buffer) as never;
        } catch (cause) {
          if (cause instanceof WireError) throw cause;
          // r[tp.manifest.message] r[pp.manifest.message]
          const why = printable(cause instanceof Error ? cause.message : String(cause));
          throw blame("header.length", `expected a ${name}, ${bytes.length} bytes came that are not one (${why})`);
        }
      },
    };
  };
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * protobufjs replaces bytes that are not UTF-8, but proto3 says that they are no string (r[tp.manifest.message]); and it takes any
 * varint above 5 bytes for one of 10. What else it is lenient about, walkWire has refused before.
 */
class StrictReader extends protobuf.Reader {
  override string(): string {
    return UTF8.decode(this.bytes());
  }

  override uint32(): number {
    let value = 0;
    for (let shift = 0; this.pos < this.len; shift += 7) {
      const byte = this.buf[this.pos++]!;
      if (shift < 32) value = (value | ((byte & 0x7f) << shift)) >>> 0;
      if (byte < 0x80) return value;
    }
    throw new RangeError(`a varint is cut at ${this.pos}`);
  }

  /** r[tp.manifest.varint]: all 64 bits count. */
  override bool(): boolean {
    let bits = 0;
    while (this.pos < this.len) {
      const byte = this.buf[this.pos++]!;
      bits |= byte & 0x7f;
      if (byte < 0x80) return bits !== 0;
    }
    throw new RangeError(`a varint is cut at ${this.pos}`);
  }
}
