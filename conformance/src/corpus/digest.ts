import { createHash } from "node:crypto";
import { HEX_LIMIT, type Json } from "../protocol.ts";
import { type Bins, segmentBytes } from "./bytes.ts";
import { readCorpusFiles } from "./files.ts";
import { meaningsOf } from "./history.ts";
import type { FileSegment, FileVector, ProfileFile } from "./vector-file.ts";
import type { WireScenario } from "./wire-file.ts";

/**
 * What a vector or a scenario means, as a text whose SHA-256 stands in history.json. `scripts/vectors/digest.py` is the other derivation,
 * and says what is in the text, what is not, and why.
 */

/** Where the stored vectors and scenarios mean something else than history.json says. */
export function digestFaults(directory: string): string[] {
  const { families, wire, history } = readCorpusFiles(directory);
  if (history === undefined) return ["history.json: not in lock.json"];
  const meanings = meaningsOf(history);
  const found = [
    ...families.flatMap(({ family, profile, bins }) =>
      family.vectors.map((vector) => [vector.id, vectorText(vector, profile, bins)] as const),
    ),
    ...wire.flatMap(({ profile, scenarios }) =>
      scenarios.map((scenario) => [scenario.id, scenarioText(scenario, profile)] as const),
    ),
  ];
  return found.flatMap(([id, text]) => {
    const [digest, told] = [sha256(text), meanings.get(id)?.digest];
    return digest === told ? [] : [`${id}: history.json has the digest ${told}, and what it means has ${digest}`];
  });
}

export function vectorText(vector: FileVector, profile: ProfileFile, bins: Bins): string {
  const { role, level, rules, limits, bytes } = vector;
  return canonical({
    profile: profile.profile,
    rules: [...rules].sort(),
    role,
    level,
    limits,
    ...outcome(vector, bins),
    ...(bytes !== undefined && { bytes: shown(joined(bytes, bins)) }),
    ...(role === "decode" && { ends: endsOf(vector.bytes, profile, bins) }),
    ...("alternatives" in vector && {
      alternatives: (vector.alternatives ?? []).map((other) => outcome(other, bins)),
    }),
  });
}

export function scenarioText({ id: _id, why: _why, ...rest }: WireScenario, profile: string): string {
  const noBins: Bins = (file) => {
    throw new Error(`a scenario has no file ${file}`);
  };
  const kept = Object.entries(rest).filter(([name]) => name !== "upstream");
  const content = resolved(Object.fromEntries(kept) as Json, noBins) as { readonly [name: string]: Json };
  return canonical({ ...content, rules: [...rest.rules].sort(), profile });
}

function outcome(of: object, bins: Bins): { readonly [name: string]: Json } {
  const told = Object.entries(of).filter(([name]) => ["events", "at_eof", "value", "refusal"].includes(name));
  return Object.fromEntries(told.map(([name, value]) => [name, resolved(value as Json, bins)]));
}

/** What the end of the stream is called behind how many bytes: all that the names of the fields decide. */
function endsOf(segments: readonly FileSegment[], { fields }: ProfileFile, bins: Bins): Json {
  const runs: [string, number][] = [];
  for (const segment of segments) {
    const name = fields[segment.field]!.eof;
    const { length } = segmentBytes(segment, bins);
    const last = runs.at(-1);
    if (last?.[0] === name) last[1] += length;
    else runs.push([name, length]);
  }
  return runs;
}

/** As a file writes bytes; of a scenario several of these behind each other. */
type Stored = Pick<FileSegment, "hex" | "fill" | "bin">;
type Parts = { readonly parts: readonly (string | Stored)[] };

/** Bytes that a file may write in several ways are written in one. */
function resolved(value: Json, bins: Bins): Json {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => resolved(item, bins));
  const names = Object.keys(value).join();
  if (names === "fill" || names === "bin") return storedText(value as Stored, bins);
  if (names === "parts") {
    const { parts } = value as unknown as Parts;
    return shown(
      joined(
        parts.map((part) => (typeof part === "string" ? { hex: part } : part)),
        bins,
      ),
    );
  }
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, resolved(item, bins)]));
}

function storedText(stored: Stored, bins: Bins): Json {
  // Not built: a fill may be larger than any memory.
  if (stored.fill && stored.fill.count > HEX_LIMIT) return { byte: stored.fill.byte, length: stored.fill.count };
  return shown(segmentBytes(stored, bins));
}

const joined = (all: readonly Stored[], bins: Bins) => Buffer.concat(all.map((each) => segmentBytes(each, bins)));

function shown(bytes: Uint8Array): Json {
  if (bytes.length <= HEX_LIMIT) return bytes.toHex();
  if (bytes.every((byte) => byte === bytes[0])) return { byte: bytes[0]!, length: bytes.length };
  return { length: bytes.length, sha256: sha256(bytes) };
}

/** Keys in the order of their UTF-16 units; not by way of an object, which puts keys like "10" first. */
function canonical(value: Json): string {
  if (typeof value === "number" && !Number.isSafeInteger(value)) return `{"f64":"${float64(value)}"}`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([name, item]) => `${JSON.stringify(name)}:${canonical(item)}`).join(",")}}`;
}

function float64(value: number): string {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return bytes.toString("hex");
}

function sha256(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}
