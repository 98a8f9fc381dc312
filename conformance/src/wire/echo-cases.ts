import type { Case } from "../corpus/types.ts";
import type { Bytes, Event, Json } from "../protocol.ts";

/** Frames of up to so many payload bytes every echo endpoint takes, unless another limit is told. r[iut.echo.limit] */
export const LEAST_LIMIT = 1024;

/** A case as an echo endpoint without an adapter can show it. */
export interface EchoCase {
  readonly about: Case;
  /** One write each. */
  readonly writes: readonly Uint8Array[];
  /** What must come back: every whole message, in canonical form. */
  readonly echo: Uint8Array;
  /** A refusal needs no end of the harness's direction: the endpoint closes by itself. */
  readonly refused: boolean;
}

/** The case, or why nothing of it is to be seen on a wire. r[iut.echo.observable] */
export function echoCase(about: Case, told: number | undefined): EchoCase | string {
  const { role, steps, expected, limits, profile } = about;
  if (role === "encode") return "what an encoder is asked for does not pass over the wire";
  if (about.alternatives !== undefined) return "the specification allows several outcomes";
  if (Object.keys(limits).some((name) => name !== "max_frame_length")) return "an endpoint is not told this limit";
  const writes: Uint8Array[] = [];
  for (const step of steps) {
    if ("feed" in step) {
      if (step.feed === "") return "an empty read is nothing on a wire";
      writes.push(Buffer.from(step.feed, "hex"));
    } else if ("feed_fill" in step) {
      writes.push(Buffer.alloc(step.feed_fill.count, step.feed_fill.byte));
    } else if (!("eof" in step)) {
      return "a step of it has no form on one connection";
    }
  }
  const events = expected.flat();
  const error = events.find((event) => event.event === "error");
  const refused = error?.class !== undefined && !error.class.startsWith("eof.");
  if (error?.class === "oversize.declared" && Number(limits.max_frame_length) !== told) {
    return "the endpoint has another limit, or none that was told";
  }
  const sizes = events.filter((event) => event.event === "message").map((event) => sizeOf(profile, event));
  if (sizes.includes(undefined)) return "a protobuf body has no canonical form";
  const most = Math.max(0, ...sizes.map((size) => size ?? 0));
  if (most > (told ?? LEAST_LIMIT)) return "its messages may be over the endpoint's limit";
  const echoed = sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
  return { about, writes, echo: Buffer.concat(writes).subarray(0, echoed), refused };
}

const PREFIX: Readonly<Record<string, number>> = { len32: 4, len64: 8, "len56-tagged": 8, "grpc-lpm": 5 };

/** Bytes of a message on the wire; undefined where they do not follow from its value. */
function sizeOf(profile: string, event: Event & { readonly event: "message" }): number | undefined {
  const value = event.value as Readonly<Record<string, Json>>;
  const prefix = PREFIX[profile];
  if (prefix !== undefined) return prefix + lengthOf(value.payload as Bytes);
  if (profile === "multipart" || profile === "multipart-typed") {
    const records = [value.body, ...(value.parts as readonly Json[])];
    return records.reduce<number>((sum, record) => sum + recordSize(record as Json), 8);
  }
  return profile === "tp" && value.manifest === undefined ? 40 : undefined;
}

function recordSize(record: Json): number {
  if (typeof record === "object" && record !== null && "typehash" in record)
    return 16 + lengthOf(record.bytes as Bytes);
  return 8 + lengthOf(record as Bytes);
}

const lengthOf = (bytes: Bytes) => (typeof bytes === "string" ? bytes.length / 2 : bytes.length);
