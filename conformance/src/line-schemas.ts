import cases from "@tensorwire/spec/iut/cases.schema.json";
import certificate from "@tensorwire/spec/iut/certificate.schema.json";
import events from "@tensorwire/spec/iut/events.schema.json";
import recording from "@tensorwire/spec/iut/recording.schema.json";
import report from "@tensorwire/spec/iut/report.schema.json";
import state from "@tensorwire/spec/iut/state.schema.json";
import type { ValidateFunction } from "ajv/dist/2020.js";
import { ajv, explain } from "./schema.ts";

/** Files of JSON Lines, each line by one schema. A later one refers to those before it. */
const SCHEMAS = { cases, events, recording } as const;
const compiled = new Map<keyof typeof SCHEMAS, ValidateFunction>();

/** A line that is none of its file. */
export class LineError extends Error {
  override readonly name = "LineError";
}

/** Reads the lines of a file; the last LF may be missing. Throws `LineError`, which names the line and the place in it. */
export function readLines(kind: keyof typeof SCHEMAS, text: string): unknown[] {
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines.map((line, i) => {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch (error) {
      throw new LineError(`line ${i + 1}: ${(error as Error).message}`);
    }
    checkLine(kind, value, i + 1);
    return value;
  });
}

/** Throws `LineError`. */
export function checkLine(kind: keyof typeof SCHEMAS, value: unknown, number: number): void {
  const validate = validatorOf(kind);
  if (!validate(value)) throw new LineError(explain(`line ${number}`, validate.errors));
}

/** Compiled when first asked for: most runs read no such file. */
function validatorOf(kind: keyof typeof SCHEMAS): ValidateFunction {
  const known = compiled.get(kind);
  if (known !== undefined) return known;
  for (const schema of [state, report, certificate, cases, events]) ajv.compile(schema);
  const validate = ajv.compile(SCHEMAS[kind]);
  compiled.set(kind, validate);
  return validate;
}
