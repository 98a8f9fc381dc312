import type { Case, Corpus } from "./corpus/types.ts";
import { LineReader } from "./link/line-reader.ts";
import type { Event } from "./protocol.ts";

/** A case of `len32`, role decode, with what a test wants to be different. For tests only. */
export function testCase(id: string, given: Partial<Case> = {}): Case {
  return {
    id,
    vector: id.split("#", 1)[0] ?? id,
    rules: ["len32.prefix.layout"],
    level: "must",
    profile: "len32",
    role: "decode",
    limits: { max_frame_length: "1024" },
    steps: [{ feed: "0000000568656c6c6f" }, { eof: true }],
    expected: [[message("68656c6c6f")], [{ event: "end" }]],
    why: "A frame is a message.",
    marks: [
      { field: "length", start: 0, end: 4 },
      { field: "payload", start: 4, end: 9 },
    ],
    ...given,
  };
}

export const message = (payload: string): Event => ({ event: "message", value: { payload } });
export const error = (word: string, at: number): Event => ({
  event: "error",
  class: word,
  at: String(at),
  fatal: true,
});

export function testCorpus(...cases: readonly Case[]): Corpus {
  return {
    hash: `sha256:${"0".repeat(64)}`,
    vectors: new Set(cases.map(({ vector }) => vector)).size,
    rules: new Set(cases.flatMap(({ rules }) => rules)),
    cases: (filter = () => true) => cases.filter(({ id }) => filter(id)),
  };
}

/** The first line that a process prints, without its LF: a chunk of a pipe may end within it. */
export async function firstLine(stream: ReadableStream<Uint8Array>): Promise<string> {
  const reader = new LineReader();
  for await (const chunk of stream) {
    const [line] = reader.push(chunk);
    if (line !== undefined) return line;
  }
  throw new Error(`a process ended before it printed a line; ${reader.held} bytes of one came`);
}
