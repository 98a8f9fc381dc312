import { loadCorpus } from "../src/corpus/index.ts";
import type { Case } from "../src/corpus/types.ts";
import { exportCases } from "../src/explain/export.ts";
import { DEFAULT_CORPUS } from "../src/options.ts";
import type { Answer, CaseRequest, Event, Events, Hello } from "../src/protocol.ts";
import type { Liar } from "./gallery.ts";
import { honest, honestHello } from "./honest.ts";

const tables = new Map<string, ReadonlyMap<string, Events>>();

/** What `--export-cases` gives away: what must come of the steps of each case. */
function answers(profile: string): ReadonlyMap<string, Events> {
  const known = tables.get(profile);
  if (known !== undefined) return known;
  let written = "";
  const stream = {
    write: (text: string) => {
      written += text;
    },
  };
  exportCases(loadCorpus(DEFAULT_CORPUS), stream, (id) => id.startsWith(`${profile}/`));
  const cases = written.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Case]));
  const table = new Map(cases.filter(({ role }) => role === "decode").map((one) => [keyOf(one), one.expected]));
  tables.set(profile, table);
  return table;
}

const keyOf = ({ limits, steps }: Pick<Case, "limits" | "steps">) => JSON.stringify([limits, steps]);

/** It decodes nothing: what it has no answer for it takes for silence. */
function lookedUp(request: CaseRequest, profile = "len32"): Answer {
  const { op, seq, steps } = request;
  if (op !== "case" || request.profile !== profile) return honest(request);
  return { op: "result", seq, steps: answers(profile).get(keyOf(request)) ?? steps.map(() => []) };
}

const isCheck = ({ op, id }: CaseRequest) => op !== "case" || id.startsWith("link-check");
const helloOf = (profile: string): Hello => ({ ...honestHello, profiles: { [profile]: { roles: ["decode"] } } });
const bytesOf = ({ steps }: CaseRequest) =>
  Buffer.concat(steps.map((step) => Buffer.from("feed" in step ? step.feed : "", "hex")));
/** All that comes of a case, at its last step: enough for streams that are one read and, perhaps, an end. */
const lastly = ({ seq, steps }: CaseRequest, ...events: Event[]): Answer => ({
  op: "result",
  seq,
  steps: steps.map((_, at) => (at === steps.length - 1 ? events : [])),
});
const failed = (word: string, at: number): Event => ({ event: "error", class: word, at: String(at), fatal: true });

/** One header of `tp` that carries nothing. */
function header(request: CaseRequest): Answer {
  const bytes = bytesOf(request);
  if (bytes.length < 40) return lastly(request, failed("eof.in-header", bytes.length));
  const [call_id, chunk_index, control_epoch, cache_epoch, action] = [0, 8, 16, 24, 32].map((at) =>
    bytes.readBigInt64LE(at).toString(),
  );
  if (action !== "0") return lastly(request, failed("header.field", 40));
  const value = { header: { call_id, chunk_index, control_epoch, cache_epoch, action: "NOOP" } };
  return lastly(request, { event: "message", value } as Event);
}

/** One error result of nothing but a call_id of eight groups and a message. */
function errorResult(request: CaseRequest): Answer {
  const bytes = bytesOf(request);
  if (bytes.length < 8) return lastly(request, failed("eof.in-prefix", bytes.length));
  if (bytes.readBigUInt64BE(8) > BigInt(bytes.length - 16)) return lastly(request, failed("eof.in-body", bytes.length));
  const call_id = bytes.subarray(19, 27).reduceRight((id, byte) => (id << 7n) | BigInt(byte & 0x7f), 0n);
  const value = {
    ...{ pp_result_version: 1, call_id: call_id.toString(), chunk_index: "0", cache_epoch: "0", tensor_specs: [] },
    ...{ ok: false, error_message: bytes.subarray(31).toString(), observed_generator_calls: 0 },
    ...{ mesh_current_start_frame: "0", tensors: [] },
  };
  return lastly(request, { event: "message", value });
}

/** They know every answer of the corpus by its steps, and have no codec: only fresh bytes find them out. */
export const TABLES: readonly Liar[] = [
  {
    name: "echoes-the-expectation",
    rules: ["iut.challenge.seed"],
    answer: lookedUp,
    exit: 1,
    verdict: "fail",
    says: /link-check\/len32\/frame/,
  },
  {
    name: "echoes-the-expectation-of-cases",
    rules: ["iut.challenge.seed"],
    answer: (request) => (isCheck(request) ? honest(request) : lookedUp(request)),
    exit: 1,
    verdict: "fail",
    says: /challenge\/len32\//,
  },
  {
    name: "echoes-the-expectation-of-manifests",
    rules: ["iut.challenge.seed"],
    hello: helloOf("tp"),
    answer: (request) =>
      request.profile === "tp" && request.id.startsWith("link-check") ? header(request) : lookedUp(request, "tp"),
    exit: 1,
    verdict: "fail",
    says: /challenge\/tp\/infer-/,
  },
  {
    name: "echoes-the-expectation-of-results",
    rules: ["iut.challenge.seed"],
    hello: helloOf("pp-result"),
    answer: (request) =>
      request.profile === "pp-result" && request.id.startsWith("link-check")
        ? errorResult(request)
        : lookedUp(request, "pp-result"),
    exit: 1,
    verdict: "fail",
    says: /challenge\/pp-result\//,
  },
];
