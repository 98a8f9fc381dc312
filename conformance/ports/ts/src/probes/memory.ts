import type { CaseRequest, Event } from "@tensorwire/conformance/protocol";
import { Declined } from "../declined.ts";
import { Connection, filled, only, openCase } from "../handle-case.ts";

/** Says what the decoder's buffers take, and how many bytes it copied. */
export function runMemory(request: CaseRequest): Event[][] {
  const { codec, limits, decodes } = openCase(request);
  if (!decodes) throw new Declined("role", "memory needs the role decode");
  const open = () => {
    const decoder = codec.decoder(limits);
    return { decoder, connection: new Connection(decoder) };
  };
  let { decoder, connection } = open();
  return request.steps.map((step): Event[] => {
    const { kind, value } = only(step);
    if (kind === "feed") return connection.read(Uint8Array.fromHex(value as string));
    if (kind === "feed_fill") return connection.read(filled(value as Parameters<typeof filled>[0]));
    if (kind === "trickle") {
      const { byte, count } = value as { byte: number; count: number };
      const chunk = new Uint8Array(1);
      const events: Event[] = [];
      for (let read = 0; read < count; read++) {
        // The read before has overwritten it.
        chunk[0] = byte;
        events.push(...connection.read(chunk));
      }
      return events;
    }
    if (kind === "eof") return connection.end();
    if (kind === "memory") {
      const { held, copied } = decoder.memory();
      return [{ event: "memory", held: String(held), copied: String(copied) }];
    }
    if (kind !== "reset") throw new Declined("step", `the probe memory has no step ${kind}`);
    ({ decoder, connection } = open());
    return [];
  });
}
