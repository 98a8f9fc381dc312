import type { Event, Json } from "@tensorwire/conformance/protocol";
import {
  decodeMultipart,
  encodeMultipart,
  FrameDecoder,
  FrameEncoder,
  type Part,
  WireError,
} from "@tensorwire/framing";
import { type BytesToBuild, readBytes, showBytes } from "./bytes.ts";
import type { CaseDecoder, CaseEncoder, CaseLimits, Keep } from "./codec.ts";

/** A `len64` stream whose payloads are multipart messages. r[iut.multipart.frame] */
export function multipartDecoder(typed: boolean, limits: CaseLimits, keep?: Keep): CaseDecoder {
  const decoder = new FrameDecoder("len64", limits);
  let refused: WireError | null = null;
  return {
    push: (chunk) => {
      const events: Event[] = [];
      const batch = decoder.push(chunk);
      try {
        for (let i = 0; i < batch.count && refused === null; i++) {
          const { maxParts } = limits;
          // r[iut.event.whole-payload]
          // Parts are views of a frame that is lent; who keeps them takes the frame.
          const frame = keep === undefined ? batch.view(i) : batch.take(i);
          const { body, parts } = decodeMultipart(frame, { typed, maxParts, offset: batch.at(i) });
          const show = (): Json => ({ body: showPart(body), parts: parts.map(showPart) });
          keep?.(show);
          events.push({ event: "message", value: show() });
        }
      } catch (error) {
        if (!(error instanceof WireError)) throw error;
        refused = error;
      }
      return { events, error: refused ?? batch.error };
    },
    end: () => refused ?? decoder.end(),
    memory: () => decoder.memory,
  };
}

export function multipartEncoder(typed: boolean, limits: CaseLimits): CaseEncoder {
  const frames = new FrameEncoder("len64", limits);
  return (value) => {
    const records = [value.body, ...(value.parts as readonly Json[])].map(readPart);
    const header = ({ typehash }: PartToBuild) => (typehash === undefined ? 8 : 16);
    frames.check(records.reduce((sum, record) => sum + header(record) + record.bytes.length, 0));
    const [body, ...parts] = records.map(({ bytes, typehash }): Part => {
      const built = bytes.build();
      return typehash === undefined ? { bytes: built } : { bytes: built, typehash };
    });
    return frames.encode(encodeMultipart({ body: body as Part, parts }, { typed, maxParts: limits.maxParts }));
  };
}

const showPart = ({ bytes, typehash }: Part): Json => {
  const shown = showBytes(bytes);
  return typehash === undefined ? shown : { typehash: typehash.toString(), bytes: shown };
};

interface PartToBuild {
  readonly bytes: BytesToBuild;
  readonly typehash: bigint | undefined;
}

function readPart(part: Json | undefined): PartToBuild {
  if (typeof part === "object" && part !== null && "typehash" in part) {
    const { typehash, bytes } = part as { typehash: string; bytes: Json };
    return { bytes: readBytes(bytes), typehash: BigInt(typehash) };
  }
  return { bytes: readBytes(part), typehash: undefined };
}
