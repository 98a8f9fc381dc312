import type { Answer, CaseRequest, Event } from "@tensorwire/conformance/protocol";
import { WireError } from "@tensorwire/framing";
import type { CaseEncoder } from "../codec.ts";
import { Declined } from "../declined.ts";
import { errorEvent, filled, only, openCase, refused } from "../handle-case.ts";
import { runBeside } from "./beside.ts";
import { runMemory } from "./memory.ts";
import { runPoison } from "./poison.ts";
import { ProbedConnection } from "./probed-connection.ts";

type Runner = (request: CaseRequest) => Event[][] | Promise<Event[][]>;

/** By the first step of the case. r[iut.probe.first] */
const RUNNERS: Readonly<Record<string, Runner>> = {
  poison: runPoison,
  memory: runMemory,
  on: runBeside,
  cancel: runConnection,
  quota: runConnection,
  deadline: runConnection,
};

const runnerOf = ({ op, steps }: CaseRequest): Runner | undefined => {
  const first = op === "case" ? Object.keys(steps[0] ?? {})[0] : undefined;
  return first !== undefined && Object.hasOwn(RUNNERS, first) ? RUNNERS[first] : undefined;
};

export const isProbeCase = (request: CaseRequest): boolean => runnerOf(request) !== undefined;

/** Answers a case of level 3. */
export async function handleProbeCase(request: CaseRequest): Promise<Answer> {
  const { seq } = request;
  try {
    const run = runnerOf(request);
    if (run === undefined) throw new Declined("step", "the case begins with no step of a probe");
    return { op: "result", seq, steps: await run(request) };
  } catch (error) {
    return refused(seq, error);
  }
}

async function runConnection(request: CaseRequest): Promise<Event[][]> {
  const { codec, limits } = openCase(request);
  const decodes = request.role === "decode";
  let deadline: number | undefined;
  let quota: number | undefined;
  let encoder: CaseEncoder | undefined;
  let open: ProbedConnection | undefined;
  // Opened by the first step that needs one: by then deadline and quota are known.
  const connection = () => {
    open ??= new ProbedConnection({ deadline, quota }, decodes ? codec.decoder(limits) : undefined);
    return open;
  };
  const act = async (kind: string, value: unknown): Promise<Event[]> => {
    if (kind === "deadline") deadline = value as number;
    else if (kind === "quota") quota = value as number;
    else if (kind === "reset") {
      open?.drop();
      open = undefined;
    }
    // What follows needs a connection.
    else if (kind === "drain") return connection().drain();
    else if (kind === "cancel") return connection().cancel();
    else if (kind === "advance") return connection().advance(value as number);
    else if (kind === "feed" && decodes) return connection().feed(Uint8Array.fromHex(value as string));
    else if (kind === "feed_fill" && decodes) return connection().feed(filled(value as Parameters<typeof filled>[0]));
    else if (kind === "eof" && decodes) return connection().end();
    else if (kind === "encode" && !decodes) {
      encoder ??= codec.encoder?.(limits);
      return sendOne(connection(), encoder as CaseEncoder, value as Parameters<CaseEncoder>[0]);
    } else throw new Declined("step", `role ${request.role} has no step ${kind} here`);
    return [];
  };
  const lists: Event[][] = [];
  try {
    for (const step of request.steps) {
      const { kind, value } = only(step);
      lists.push(await act(kind, value));
    }
  } finally {
    open?.drop();
  }
  return lists;
}

function sendOne(
  connection: ProbedConnection,
  encoder: CaseEncoder,
  value: Parameters<CaseEncoder>[0],
): Event[] | Promise<Event[]> {
  let parts: readonly Uint8Array[];
  try {
    parts = encoder(value);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    return [errorEvent(error)];
  }
  return connection.send(parts);
}
