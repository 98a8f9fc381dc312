import { StreamDecoder } from "@grpc/grpc-js/build/src/stream-decoder";
import { FrameDecoder, FrameEncoder, type FramingProfile, MultipartRecords } from "@tensorwire/framing";
import { decode as decodeLengthPrefixed } from "length-prefixed-stream";

/** What one decoder has seen; compared with the workload after every run. */
export interface Tally {
  count: number;
  bytes: number;
  checksum: number;
}

export interface Contestant {
  readonly prefixSize: number;
  readonly prefix: (target: Uint8Array, at: number, length: number) => number;
  /** A fresh decoder: takes chunks, adds every frame to the tally. */
  start(tally: Tally): (chunk: Uint8Array) => void;
}

function add(tally: Tally, buffer: Uint8Array, start: number, end: number): void {
  tally.count++;
  tally.bytes += end - start;
  tally.checksum += buffer[start]! + buffer[end - 1]!;
}

function tensorwire(profile: FramingProfile): Contestant {
  const limit = { maxFrameLength: 64 * 1024 * 1024 };
  const encoder = new FrameEncoder(profile, limit);
  return {
    prefixSize: encoder.prefixSize,
    prefix: (target, at, length) => encoder.writePrefix(target, at, length),
    start(tally) {
      const decoder = new FrameDecoder(profile, limit);
      return (chunk) => {
        const batch = decoder.push(chunk);
        if (batch.error !== null) throw batch.error;
        for (let i = 0; i < batch.count; i++) add(tally, batch.buffer(i), batch.start(i), batch.end(i));
      };
    },
  };
}

const len64 = new FrameEncoder("len64", { maxFrameLength: 64 * 1024 * 1024 });

/** An empty body and one part: what a tensor message without a manifest looks like. */
const multipart: Contestant = {
  prefixSize: 24,
  prefix(target, at, length) {
    const record = len64.writePrefix(target, len64.writePrefix(target, at, length + 16), 0);
    return len64.writePrefix(target, record, length);
  },
  start(tally) {
    const decoder = new FrameDecoder("len64", { maxFrameLength: 64 * 1024 * 1024 });
    const records = new MultipartRecords();
    return (chunk) => {
      const batch = decoder.push(chunk);
      if (batch.error !== null) throw batch.error;
      for (let i = 0; i < batch.count; i++) {
        const buffer = batch.buffer(i);
        records.read(buffer, batch.start(i), batch.end(i), batch.at(i));
        add(tally, buffer, records.offsets[2]!, records.offsets[3]!);
      }
    };
  },
};

/**
 * The JavaScript limit: the least that any len64 decoder must do. No limits, no errors, no EOF; offsets into the chunk, and
 * one warm slab for a frame that spans chunks, lent only during the callback.
 */
const limit: Contestant = {
  prefixSize: 8,
  prefix: (target, at, length) => len64.writePrefix(target, at, length),
  start: (tally) => leastDecoder((buffer, start, end) => add(tally, buffer, start, end)),
};

/** The same for multipart: two records more to step over in each frame. */
const multipartLimit: Contestant = {
  ...multipart,
  start: (tally) =>
    leastDecoder((buffer, start, end) => {
      const table = [0, 0, 0, 0];
      for (let i = start, k = 0; i < end; k += 2) {
        const length = (buffer[i + 4]! << 24) | (buffer[i + 5]! << 16) | (buffer[i + 6]! << 8) | buffer[i + 7]!;
        table[k] = i + 8;
        i += 8 + length;
        table[k + 1] = i;
      }
      add(tally, buffer, table[2]!, table[3]!);
    }),
};

function leastDecoder(onFrame: (buffer: Uint8Array, start: number, end: number) => void): (chunk: Uint8Array) => void {
  const slab = new Uint8Array(32 * 1024 * 1024);
  const table = new Int32Array(16384 * 2);
  let have = 0;
  let need = -1;
  return (chunk) => {
    let i = 0;
    const end = chunk.length;
    while (have > 0 || need >= 0) {
      if (need < 0) {
        while (have < 8 && i < end) slab[have++] = chunk[i++]!;
        if (have < 8) return;
        need = (slab[4]! << 24) | (slab[5]! << 16) | (slab[6]! << 8) | slab[7]!;
        have = 0;
      }
      const take = Math.min(need - have, end - i);
      if (take > 48) slab.set(chunk.subarray(i, i + take), have);
      else for (let k = 0; k < take; k++) slab[have + k] = chunk[i + k]!;
      have += take;
      i += take;
      if (have < need) return;
      onFrame(slab, 0, need);
      have = 0;
      need = -1;
    }
    let frames = 0;
    while (i + 8 <= end) {
      const length = (chunk[i + 4]! << 24) | (chunk[i + 5]! << 16) | (chunk[i + 6]! << 8) | chunk[i + 7]!;
      i += 8;
      if (i + length > end) {
        need = length;
        slab.set(chunk.subarray(i), 0);
        have = end - i;
        i = end;
        break;
      }
      table[frames++] = i;
      i += length;
      table[frames++] = i;
    }
    while (i < end) slab[have++] = chunk[i++]!;
    for (let k = 0; k < frames; k += 2) onFrame(chunk, table[k]!, table[k + 1]!);
  };
}

/** No decoder: every chunk copied once into warm memory. The bandwidth that a decoder which copies cannot pass. */
const bufferCopy: Contestant = {
  ...limit,
  start(tally) {
    const target = Buffer.alloc(1024 * 1024);
    let at = 0;
    return (chunk) => {
      if (at + chunk.length > target.length) at = 0;
      target.set(chunk, at);
      at += chunk.length;
      tally.bytes += chunk.length;
    };
  },
};

/** What everyone writes first: join the rest and the chunk, cut frames off the front. */
const naive: Contestant = {
  ...limit,
  start(tally) {
    let rest = Buffer.alloc(0);
    return (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 8) {
        const length = Number(rest.readBigUInt64BE(0));
        if (rest.length < 8 + length) break;
        add(tally, rest, 8, 8 + length);
        rest = rest.subarray(8 + length);
      }
    };
  },
};

const grpc = new FrameEncoder("grpc-lpm", { maxFrameLength: 64 * 1024 * 1024 });

const grpcJs: Contestant = {
  prefixSize: 5,
  prefix: (target, at, length) => grpc.writePrefix(target, at, length),
  start(tally) {
    const decoder = new StreamDecoder(64 * 1024 * 1024);
    return (chunk) => {
      const buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
      for (const message of decoder.write(buffer)) add(tally, message, 5, message.length);
    };
  },
};

const lengthPrefixedStream: Contestant = {
  prefixSize: 5,
  prefix(target, at, length) {
    let rest = length;
    let i = at;
    for (; rest > 127; rest >>>= 7) target[i++] = (rest & 127) | 128;
    target[i++] = rest;
    return i;
  },
  start(tally) {
    const decoder = decodeLengthPrefixed({ limit: 64 * 1024 * 1024 });
    decoder.on("data", (message: Uint8Array) => add(tally, message, 0, message.length));
    return (chunk) => {
      decoder.write(chunk);
    };
  },
};

/** In the order of the table. `bufferCopy` and `limit` are the yardsticks. */
export const CONTESTANTS: Readonly<Record<string, Contestant>> = {
  "Buffer.copy": bufferCopy,
  "js limit": limit,
  len32: tensorwire("len32"),
  len64: tensorwire("len64"),
  "len56-tagged": tensorwire("len56-tagged"),
  "grpc-lpm": tensorwire("grpc-lpm"),
  "js limit of multipart": multipartLimit,
  multipart,
  "@grpc/grpc-js": grpcJs,
  "length-prefixed-stream": lengthPrefixedStream,
  "naive concat": naive,
};
