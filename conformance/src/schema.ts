import bye from "@tensorwire/spec/iut/bye.schema.json";
import caseRequest from "@tensorwire/spec/iut/case.schema.json";
import common from "@tensorwire/spec/iut/common.schema.json";
import declined from "@tensorwire/spec/iut/declined.schema.json";
import errored from "@tensorwire/spec/iut/errored.schema.json";
import hello from "@tensorwire/spec/iut/hello.schema.json";
import result from "@tensorwire/spec/iut/result.schema.json";
import values from "@tensorwire/spec/iut/values.schema.json";
import welcome from "@tensorwire/spec/iut/welcome.schema.json";
import Ajv, { type ErrorObject, type ValidateFunction } from "ajv/dist/2020.js";
import { type Answer, EVENT_CLASSES, type Events, type Granularity, type Hello } from "./protocol.ts";

/** Knows the shapes that messages share, by the names of their files. */
export const ajv = new Ajv({ allowUnionTypes: true, validateFormats: false, verbose: true });
ajv.addSchema([common, values]);

const MESSAGES = {
  hello: ajv.compile(hello),
  welcome: ajv.compile(welcome),
  case: ajv.compile(caseRequest),
  result: ajv.compile(result),
  declined: ajv.compile(declined),
  errored: ajv.compile(errored),
  bye: ajv.compile(bye),
} as const;

/** Profiles whose value has a schema; the values of the others are judged by comparison alone. */
const VALUES: ReadonlyMap<string, ValidateFunction> = new Map(
  [
    ...["len32", "len64", "len56-tagged", "grpc-lpm", "multipart", "multipart-typed"],
    ...["tp", "tp-session", "pp-envelope", "pp-session", "pp-result"],
  ].map((profile) => [profile, ajv.compile({ $ref: `values.schema.json#/$defs/${profile}` })]),
);

const CLASSES: ReadonlySet<string> = new Set(EVENT_CLASSES);

/** A line that is not what the protocol allows: the adapter's fault, never the codec's. r[iut.link.schema] */
export class ShapeError extends Error {
  override readonly name = "ShapeError";
  /** True when the answer bears the request's seq: the link is in step, and the next request can go out. */
  inStep = false;
}

/** No message of any profile is nested half as deep. What is nested much deeper can be read as JSON, and not be written again. */
const MOST_NESTED = 1000;

function nestedDeeper(value: unknown, most: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (most === 0) return true;
  // Of every event of every answer: no list of its values is made.
  for (const name in value) if (nestedDeeper((value as Readonly<Record<string, unknown>>)[name], most - 1)) return true;
  return false;
}

/** What came in the place of something else, cut for a message. */
export function shown(value: unknown): string {
  if (nestedDeeper(value, MOST_NESTED)) return `nested more than ${MOST_NESTED} deep`;
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 120 ? `${text.slice(0, 117)}…` : text;
}

/** Names the deepest place that does not fit: of the branches of an alternative, the one that came furthest. */
export function explain(what: string, errors: readonly ErrorObject[] | null | undefined): string {
  const deepest = [...(errors ?? [])].sort(
    (a, b) =>
      b.instancePath.length - a.instancePath.length ||
      Number(a.keyword === "const") - Number(b.keyword === "const") ||
      Number(a.keyword === "anyOf") - Number(b.keyword === "anyOf"),
  )[0];
  if (deepest === undefined) return `${what} does not fit its schema`;
  const where = deepest.instancePath === "" ? "" : ` at ${deepest.instancePath}`;
  const detail =
    deepest.keyword === "additionalProperties"
      ? `unknown field ${JSON.stringify(deepest.params.additionalProperty)}`
      : deepest.keyword === "const"
        ? `must be ${JSON.stringify(deepest.params.allowedValue)}`
        : deepest.keyword === "enum"
          ? `must be one of ${JSON.stringify(deepest.params.allowedValues)}`
          : (deepest.message ?? deepest.keyword);
  return `${what}${where}: ${detail}; it is ${shown(deepest.data)}`;
}

/** Checks one message of either side against its schema; throws `ShapeError`. */
export function checkMessage(op: keyof typeof MESSAGES, message: unknown): void {
  const validate = MESSAGES[op];
  if (!validate(message)) throw new ShapeError(explain(op, validate.errors));
}

export function readHello(message: unknown): Hello {
  checkMessage("hello", message);
  return message as Hello;
}

export interface AnswerContext {
  readonly seq: number;
  /** Of the request: selects the schema of the values. */
  readonly profile: string;
  /** One list of events for each of them. */
  readonly steps: number;
  readonly granularity: Granularity;
}

/** Reads an answer in the light of its request; throws `ShapeError`. */
export function readAnswer(message: unknown, context: AnswerContext): Answer {
  try {
    return readInStep(message, context);
  } catch (error) {
    if (error instanceof ShapeError) error.inStep = (message as { seq?: unknown } | null)?.seq === context.seq;
    throw error;
  }
}

function readInStep(message: unknown, context: AnswerContext): Answer {
  const op = (message as { op?: unknown } | null)?.op;
  if (op !== "result" && op !== "declined" && op !== "errored") {
    throw new ShapeError(`the op of an answer is "result", "declined" or "errored"; it is ${shown(op)}`);
  }
  checkMessage(op, message);
  const answer = message as Answer;
  // r[iut.answer.seq]
  if (answer.seq !== context.seq) {
    throw new ShapeError(`${op}: seq must be ${context.seq}, the request's own; it is ${answer.seq}`);
  }
  if (answer.op === "result") checkEvents(answer.steps, context);
  return answer;
}

/** The values and classes of events that fit their schema otherwise. Throws `ShapeError`. */
export function checkEvents(steps: Events, { profile, steps: expected, granularity }: AnswerContext): void {
  // r[iut.result.lists]
  if (steps.length !== expected) {
    throw new ShapeError(`result: one list of events for each of the ${expected} steps; it has ${steps.length}`);
  }
  const validate = VALUES.get(profile);
  for (const [step, events] of steps.entries()) {
    for (const event of events) {
      if (event.event === "message" && nestedDeeper(event.value, MOST_NESTED)) {
        throw new ShapeError(`result: a ${profile} message in step ${step} is ${shown(event.value)}`);
      }
      if (event.event === "message" && validate !== undefined && !validate(event.value)) {
        throw new ShapeError(explain(`result: a ${profile} message in step ${step}`, validate.errors));
      }
      if (event.event === "error") checkGranularity(event.class, granularity, step);
    }
  }
}

// r[iut.granularity.word]
function checkGranularity(word: string | undefined, granularity: Granularity, step: number): void {
  const where = `result: the error in step ${step}`;
  if (granularity === "none") {
    if (word !== undefined) throw new ShapeError(`${where} has a class, and hello declared the granularity "none"`);
    return;
  }
  if (word === undefined) throw new ShapeError(`${where} has no class, and hello declared "${granularity}"`);
  if (granularity === "class" && !CLASSES.has(word)) throw new ShapeError(`${where}: "${word}" is a stage, no class`);
  if (granularity === "stage" && word.includes(".")) throw new ShapeError(`${where}: "${word}" is a class, no stage`);
}
