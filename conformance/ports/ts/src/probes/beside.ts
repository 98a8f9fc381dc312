import type { CaseRequest, Event } from "@tensorwire/conformance/protocol";
import { Declined } from "../declined.ts";
import { Connection, filled, only, openCase } from "../handle-case.ts";

/** Several connections at once, each with a decoder of its own. r[iut.probe.beside.own] */
export function runBeside(request: CaseRequest): Event[][] {
  const { codec, limits, decodes } = openCase(request);
  if (!decodes) throw new Declined("role", "beside needs the role decode");
  const open = () => new Connection(codec.decoder(limits));
  const connections = new Map([[0, open()]]);
  let on = 0;
  return request.steps.map((step): Event[] => {
    const { kind, value } = only(step);
    if (kind === "on") on = value as number;
    // A connection begins when it is first named, beside those that are open.
    const connection = connections.getOrInsertComputed(on, open);
    if (kind === "feed") return connection.read(Uint8Array.fromHex(value as string));
    if (kind === "feed_fill") return connection.read(filled(value as Parameters<typeof filled>[0]));
    if (kind === "eof") return connection.end();
    if (kind === "reset") connections.set(on, open());
    else if (kind !== "on") throw new Declined("step", `the probe beside has no step ${kind}`);
    return [];
  });
}
