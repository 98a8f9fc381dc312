import type { CaseRequest, Event, Json } from "@tensorwire/conformance/protocol";
import { bytesEvent } from "../bytes.ts";
import { Declined } from "../declined.ts";
import { Connection, filled, only, openCase } from "../handle-case.ts";

/** What the decoder handed out is kept as it was handed out, and told a second time from there. */
export function runPoison(request: CaseRequest): Event[][] {
  const { codec, limits, decodes } = openCase(request);
  if (!decodes) throw new Declined("role", "poison needs the role decode");
  const kept: (() => Json)[] = [];
  const chunks: Uint8Array[] = [];
  const open = () => new Connection(codec.decoder(limits, (show) => kept.push(show)));
  let connection = open();
  // r[iut.probe.poison.input]: what the chunk is after the read, and before it is overwritten.
  const read = (chunk: Uint8Array) => connection.read(chunk, () => chunks.push(new Uint8Array(chunk)));
  return request.steps.map((step): Event[] => {
    const { kind, value } = only(step);
    // A Buffer, as a socket of Node gives: its slice() is a view, where that of a Uint8Array is a copy.
    if (kind === "feed") return read(Buffer.from(value as string, "hex"));
    if (kind === "feed_fill") return read(filled(value as Parameters<typeof filled>[0]));
    if (kind === "eof") return connection.end();
    // r[iut.probe.poison.recall]
    if (kind === "recall")
      return [bytesEvent(chunks), ...kept.map((show): Event => ({ event: "message", value: show() }))];
    if (kind === "reset") connection = open();
    else if (kind !== "poison") throw new Declined("step", `the probe poison has no step ${kind}`);
    return [];
  });
}
