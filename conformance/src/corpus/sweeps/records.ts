import type { EventClass } from "../../protocol.ts";
import { CorpusDefect } from "../defect.ts";
import { Script } from "../script.ts";
import { fatalError, type Segment, Stream } from "../stream.ts";
import type { DecodeVector } from "../vector.ts";
import type { Shows } from "../vector-file.ts";
import { readBigEndian, rungs, WIDE, writeBigEndian } from "./ladder.ts";
import type { Plan } from "./plan.ts";

/** The bytes of a record's length word, and of a type hash. */
const WORD = 8;
const TOP_BIT = 1n << 63n;
/** Added to where its record begins, and to the word itself, it gives the same place again in 64 bits. */
const ROUND_AND_BACK = 2n ** 64n - BigInt(WORD);

/** A record of the first frame that has one with this length field. */
interface RecordOf {
  /** Its length word. */
  readonly segment: Segment;
  readonly prefix: Segment;
  readonly frameEnd: number;
  /** What it says in the vector. */
  readonly said: bigint;
  /** Bytes of the frame behind the word. */
  readonly left: bigint;
  /** The top bit of the word says that a type hash follows. */
  readonly typed: boolean;
}

/**
 * The length of a record replaced by each that does not fit its frame: one more than what is left, the edges of integer types,
 * lengths whose low part fits. The frame is whole and within its limit, so no limit comes first: what is compared is the record with
 * what is left. r[multipart.record.cut] All but the last byte come first: the record is judged with the frame's last byte, however
 * absurd its length is. r[multipart.judged.frame-end]
 */
export function* recordLadder(v: DecodeVector, fields: readonly string[]): Iterable<Plan> {
  for (const field of fields) {
    const record = recordOf(v, field);
    for (const word of words(record)) {
      const error = faultOf(record, word);
      if (error === null) continue;
      const { frameEnd, left } = record;
      yield {
        suffix: `${field}=${word}`,
        rules: v.rulesFor(shows(word, error)),
        why: `A record's length word of ${word} does not fit the ${left} bytes that are left of its frame, and is refused at its end.`,
        play: () => new Script(replaced(v, record, word, error)).reads([frameEnd - 1]).eof(),
      };
    }
  }
}

function recordOf(v: DecodeVector, field: string): RecordOf {
  const { segments, bytes, length } = v.stream;
  const at = segments.findIndex((s) => s.field === field);
  const segment = segments[at];
  const prefix = segments.slice(0, Math.max(at, 0)).findLast((s) => s.field === "length");
  if (!segment || !prefix || segment.end - segment.start !== WORD) {
    throw new CorpusDefect(`${v.id}: "ladder" needs a frame with a whole field "${field}"`);
  }
  const frameEnd = prefix.end + Number(readBigEndian(bytes.subarray(prefix.start, prefix.end)));
  if (frameEnd > length || !v.stream.borders.includes(frameEnd)) {
    throw new CorpusDefect(`${v.id}: "ladder" of "${field}" needs a frame that is whole and accepted`);
  }
  return {
    segment,
    prefix,
    frameEnd,
    said: readBigEndian(bytes.subarray(segment.start, segment.end)),
    left: BigInt(frameEnd - segment.end),
    typed: v.fields.typehash !== undefined,
  };
}

/** Where the top bit is none of the length, each length stands without it and with it. */
function words({ said, left, typed }: RecordOf): bigint[] {
  const length = typed ? said % TOP_BIT : said;
  const wraps = [32n, 53n, 62n, 63n].map((bits) => (1n << bits) + length);
  const rows = rungs(left, WORD, [...wraps, length << 32n, ROUND_AND_BACK, left - BigInt(WORD) + 1n]);
  if (!typed) return rows;
  const lengths = [...new Set(rows.map((word) => word % TOP_BIT))];
  return [...lengths, ...lengths.map((each) => TOP_BIT + each)];
}

/** The class of such a word in such a record; null where it fits, and says something else. */
function faultOf({ left, typed }: RecordOf, word: bigint): EventClass | null {
  if (!typed || word < TOP_BIT) return word > left ? "eof.in-body" : null;
  // r[multipart-typed.hash.cut] before r[multipart-typed.record.cut]
  const behind = left - BigInt(WORD);
  if (behind < 0n) return "eof.in-header";
  return word - TOP_BIT > behind ? "eof.in-body" : null;
}

function shows(word: bigint, error: EventClass): Shows {
  if (error === "eof.in-header") return "record.hash-cut";
  if (word >= TOP_BIT) return "record.top-bit";
  return word >= WIDE ? "record.wide" : "record.cut";
}

/** The stream up to the end of the frame, with another word and the error in the place of the message. */
function replaced(v: DecodeVector, { segment, prefix, frameEnd }: RecordOf, word: bigint, error: EventClass): Stream {
  const bytes = v.stream.bytes.slice(0, frameEnd);
  writeBigEndian(bytes.subarray(segment.start, segment.end), word);
  const segments = v.stream.segments.filter((s) => s.end <= frameEnd);
  const before = v.stream.events.filter(({ at }) => at <= prefix.start);
  const borders = v.stream.borders.filter((at) => at <= prefix.start);
  return new Stream(bytes, segments, [...before, { at: frameEnd, event: fatalError(error, frameEnd) }], null, borders);
}
