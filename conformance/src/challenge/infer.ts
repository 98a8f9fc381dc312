import type { EventClass } from "../protocol.ts";
import {
  bendStep,
  besides,
  type Content,
  type ContentFault,
  cutTail,
  drawEnvelope,
  drawManifest,
  drawResult,
  type Wanted,
  without,
} from "./contents.ts";
import type { Draw } from "./draw.ts";
import { messageOf, putFrame } from "./frame.ts";
import { ACTIONS, drawIds, type Ids, putHeader } from "./header.ts";
import type { Fault, Layout } from "./layout.ts";
import { drawTensor, SPEC_FAULTS } from "./tensors.ts";
import { BODY, bigEndian, PREFIX, type Writer } from "./writer.ts";

/** Room for tensors, specs and arguments of several kinds. */
export const LIMIT = 4096;

/** How the three messages with a body differ: in what goes before their frame, and in what a body is. */
interface Kind {
  readonly profile: "tp" | "pp-envelope" | "pp-result";
  readonly version: string;
  draw(draw: Draw, ids: Ids, wanted?: Wanted): Content;
  readonly faults: readonly (ContentFault & { readonly wanted?: Wanted })[];
}

const fault = (
  name: string,
  rule: string,
  word: EventClass,
  spoil: ContentFault["spoil"],
  wanted: Wanted = {},
): ContentFault & { readonly wanted: Wanted } => ({ name, rules: [rule], class: word, spoil, wanted });

const field =
  (name: string, value: (content: Content, draw: Draw) => bigint | number | string | boolean | undefined) =>
  (content: Content, draw: Draw) => {
    content.fields = { ...content.fields, [name]: value(content, draw) };
  };
/** Another number than the right one, near it or far. */
const other = (right: bigint, draw: Draw) =>
  BigInt.asIntN(64, right + (draw.word(8) >> BigInt(draw.integer(0, 63))) + 1n);
const otherId = (name: string) => {
  const bent = field(name, ({ fields }, draw) => {
    const right = BigInt(fields[name] as bigint);
    const wrong = other(right, draw);
    return wrong === right ? right ^ 1n : wrong;
  });
  return fault(`${name.replaceAll("_", "-")}`, "pp.envelope.ids", "header.field", bent);
};
const stepFault = (name: string, rule: string, wanted: Wanted, bend: Parameters<typeof bendStep>[1]) =>
  fault(name, rule, "header.field", (content) => bendStep(content, bend), wanted);
const tensorFault = (name: string, rule: string, wanted: Wanted, spoil: ContentFault["spoil"]) =>
  fault(name, rule, "spec.mismatch", spoil, wanted);
const VIDEO = { video: true };
const LM = { video: false };

/** A tensor of a list of steps with one element more than there are steps. */
const longer = (key: string) => (content: Content, draw: Draw) => {
  const steps = Number(content.tensors.find((tensor) => tensor.key === key)?.shape[0] ?? 0n);
  without(content, key);
  besides(content, drawTensor(draw, { key, dtype: "int64", shape: [steps + 1] }));
};

const MANIFESTS: Kind = {
  profile: "tp",
  version: "tp_envelope_version",
  draw: (draw, _ids, wanted) => drawManifest(draw, wanted),
  faults: [
    fault(
      "plan",
      "tp.plan.values",
      "header.field",
      field("tp_plan", (_, draw) => draw.pick(["v2", "v0", "V0_FULL_PIPELINE"])),
      LM,
    ),
    fault("plan-no-video", "tp.plan.video", "header.field", (content) => delete content.step, VIDEO),
    fault(
      "video-no-plan",
      "tp.plan.video",
      "header.field",
      field("tp_plan", () => ""),
      VIDEO,
    ),
    stepFault("calls", "tp.plan.generator-calls", VIDEO, ({ tp_expected_generator_calls: calls }) => ({
      tp_expected_generator_calls: Number(calls) + 1,
    })),
    tensorFault("step-list", "tp.plan.tensors", VIDEO, longer("denoising_step_list")),
    tensorFault("no-latents", "tp.plan.tensors", VIDEO, (content) => without(content, "latents")),
    tensorFault("tensor-video", "tp.plan.tensors", VIDEO, (content, draw) =>
      besides(content, drawTensor(draw, { key: "video" })),
    ),
  ],
};

const ENVELOPES: Kind = {
  profile: "pp-envelope",
  version: "pp_envelope_version",
  draw: drawEnvelope,
  faults: [
    fault(
      "action-other",
      "pp.envelope.ids",
      "header.field",
      field("action", (_, draw) => draw.pick([0, 2])),
    ),
    otherId("call_id"),
    otherId("chunk_index"),
    otherId("cache_epoch"),
    fault("no-step", "pp.step.one", "header.field", (content) => delete content.step, LM),
    stepFault("position", "pp.lm.position", LM, ({ init_cache: init }) => ({ position: init === true ? 7 : 0 })),
    tensorFault("both", "pp.lm.tensors", LM, (content, draw) => {
      const { num_tokens: tokens } = content.step!.fields;
      const given = content.tensors.some(({ key }) => key === "hidden");
      besides(
        content,
        given
          ? drawTensor(draw, { key: "input_ids", dtype: "int64", shape: [Number(tokens)] })
          : drawTensor(draw, { key: "hidden", dtype: "float32", shape: [Number(tokens), 2] }),
      );
    }),
    tensorFault("neither", "pp.lm.tensors", LM, (content) => {
      without(content, "input_ids");
      without(content, "hidden");
    }),
    fault(
      "tokens",
      "pp.lm.tensors",
      "spec.mismatch",
      (content) => bendStep(content, ({ num_tokens: tokens }) => ({ num_tokens: Number(tokens) + 1 })),
      LM,
    ),
    stepFault("vace", "pp.video.disable-vace", VIDEO, () => ({ pp_disable_vace: false })),
    stepFault("calls", "pp.video.generator-calls", VIDEO, ({ expected_generator_calls: calls }) => ({
      expected_generator_calls: Number(calls) - 1,
    })),
    tensorFault("step-list", "pp.video.step-list", VIDEO, longer("current_denoising_step_list")),
    tensorFault("no-latents", "pp.video.tensors", VIDEO, (content) => without(content, "latents_in")),
    tensorFault("context", "pp.video.context-frames", VIDEO, (content, draw) => {
      if (content.step!.fields.do_kv_recompute === true) without(content, "context_frames");
      else besides(content, drawTensor(draw, { key: "context_frames", dtype: "bfloat16" }));
    }),
  ],
};

const OK = { ok: true };
const FAILED = { ok: false };

const RESULTS: Kind = {
  profile: "pp-result",
  version: "pp_result_version",
  draw: (draw, _ids, wanted) => drawResult(draw, wanted),
  faults: [
    fault(
      "ok-message",
      "pp.result.error-message",
      "header.field",
      field("error_message", () => "why"),
      OK,
    ),
    fault(
      "error-silent",
      "pp.result.error-message",
      "header.field",
      field("error_message", () => ""),
      FAILED,
    ),
    tensorFault("ok-empty", "pp.result.tensors", OK, (content) => {
      content.tensors = [];
    }),
    tensorFault("error-tensors", "pp.result.tensors", FAILED, (content, draw) =>
      besides(content, drawTensor(draw, { key: "hidden" })),
    ),
  ],
};

/** No uint32: above the largest or below 0. */
const noUint32 = (draw: Draw) => (draw.chance(50) ? 2 ** 32 + draw.integer(0, 99) : -draw.integer(1, 2 ** 31));
/** A tensor that nothing asks for, of no bytes. */
const spare = (draw: Draw) => drawTensor(draw, { key: "Z", shape: [0, 1] });

/** What an encoder refuses. Without a rule: a value that its field cannot carry, of which each chapter has a rule. */
const REFUSALS: readonly ContentFault[] = [
  tensorFault("dtype", "tp.spec.dtype-known", {}, (content) => {
    const [one, ...rest] = content.tensors;
    content.tensors = [{ ...one!, dtype: "float31" }, ...rest];
  }),
  {
    ...{ name: "index", rules: [], class: "spec.mismatch" },
    spoil: (content, draw) => besides(content, { ...spare(draw), index: noUint32(draw) }),
  },
  {
    ...{ name: "dimension", rules: [], class: "spec.mismatch" },
    spoil: (content, draw) => besides(content, { ...spare(draw), shape: [0n, BigInt(-draw.integer(1, 2 ** 31))] }),
  },
  {
    ...{ name: "field", rules: [], class: "header.field" },
    spoil: (content, draw) => {
      const beyond = noUint32(draw);
      if (content.step === undefined) content.fields = { ...content.fields, observed_generator_calls: beyond };
      else bendStep(content, () => ({ height: beyond }));
    },
  },
];

function layout(kind: Kind): Layout {
  const { profile, version } = kind;
  const headed = profile !== "pp-result";
  const first = profile === "tp" ? "tp" : "pp";
  const begin = (writer: Writer, draw: Draw) => {
    const ids = drawIds(draw);
    if (headed) putHeader(writer, ids, ACTIONS.INFER);
    return ids;
  };
  const message = (wanted: Wanted) => (writer: Writer, draw: Draw) => {
    const ids = begin(writer, draw);
    const content = kind.draw(draw, ids, wanted);
    putFrame(writer, content).message(messageOf(content, headed ? ids : undefined));
  };
  const spoilt = ({ name, rules, class: word, spoil, wanted }: Kind["faults"][number], least = 0): Fault => ({
    name,
    rules,
    write: (writer, draw) => {
      const ids = begin(writer, draw);
      let content = kind.draw(draw, ids, wanted);
      while (content.tensors.length < least) content = kind.draw(draw, ids, wanted);
      spoil(content, draw);
      putFrame(writer, content).error(word);
    },
  });
  const shared = profile === "tp" ? (rule: string) => [rule] : (rule: string) => ["pp.spec.tensors", rule];
  const manifest = (rule: string) => [`${first}.manifest.${rule}`];
  const limitRules = profile === "pp-result" ? ["pp.result.layout"] : [`${first}.infer.oversize`];
  const multipart = profile === "pp-result" ? ["pp.result.layout"] : [`${first}.infer.multipart`];
  return {
    profile,
    ...(headed && { kind: "infer" }),
    limit: LIMIT,
    rules: [
      ...(headed ? [`${first}.infer.payload`] : ["pp.result.layout", "pp.result.ok-default"]),
      `${first}.boundary.chunking`,
      `${first}.boundary.glued`,
      ...manifest("unknown-fields"),
    ],
    endRules: endRules(profile),
    encodeRules: [`${first}.encode.layout`],
    message: message({}),
    encoded: message({ canonical: true }),
    faults: [
      ...SPEC_FAULTS.map(({ rule, least, ...rest }) =>
        spoilt(
          {
            ...rest,
            rules: rest.class === "header.length" ? manifest("message") : shared(rule),
            wanted: profile === "pp-result" ? OK : {},
          },
          least,
        ),
      ),
      spoilt({
        ...fault(
          "version",
          "",
          "version",
          field(version, (_, draw) => draw.pick([0, 2, draw.integer(2, 2 ** 32 - 1)])),
        ),
        rules: manifest("version"),
      }),
      spoilt({ ...fault("body-cut", "", "header.length", cutTail), rules: manifest("message") }),
      ...kind.faults.map((each) => spoilt(each)),
      {
        name: "over",
        rules: limitRules,
        write: (writer, draw) => {
          begin(writer, draw);
          const length = BigInt(LIMIT + 1) + (draw.word(8) >> BigInt(draw.integer(13, 63)));
          writer.put("length", bigEndian(length, 8), PREFIX).error("oversize.declared");
          writer.put("record_length", draw.bytes(draw.integer(0, 30)), BODY);
        },
      },
      {
        name: "record-cut",
        rules: multipart,
        write: (writer, draw) => {
          const ids = begin(writer, draw);
          const content = kind.draw(draw, ids);
          // The last record says more than its frame has.
          const record = bigEndian(draw.integer(10, 1 << 30), 8);
          const inner = new Uint8Array(Buffer.concat([record, draw.bytes(draw.integer(0, 9))]));
          putFrame(writer, content, inner).error(BODY);
        },
      },
    ],
    refusal: (draw) => {
      const ids = drawIds(draw);
      const content = kind.draw(draw, ids, { ...(profile === "pp-result" ? OK : VIDEO), canonical: true });
      const wrong = draw.pick(REFUSALS);
      wrong.spoil(content, draw);
      const broken = wrong.rules.length === 0 ? [`${first}.encode.field-range`] : wrong.rules.flatMap(shared);
      return {
        value: messageOf(content, headed ? ids : undefined),
        class: wrong.class,
        rules: [`${first}.send.nothing`, ...broken],
      };
    },
  };
}

function endRules(profile: Kind["profile"]): string[] {
  if (profile === "tp")
    return ["tp.infer.cut-before-prefix", "tp.infer.cut-prefix", "tp.infer.cut-body", "tp.header.cut"];
  if (profile === "pp-envelope") return ["pp.infer.cut", "tp.header.cut"];
  return ["pp.result.layout", "len64.eof.mid-prefix", "len64.eof.mid-body", "len64.eof.boundary"];
}

export const manifests = () => layout(MANIFESTS);
export const envelopes = () => layout(ENVELOPES);
export const results = () => layout(RESULTS);
