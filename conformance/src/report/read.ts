import { readFileSync } from "node:fs";
import schema from "@tensorwire/spec/iut/report.schema.json";
import { Ajv2020 } from "ajv/dist/2020.js";
import type { JsonReport } from "./report.ts";

/** A file that is no report of `--json`. */
export class ReportError extends Error {
  override readonly name = "ReportError";
}

const validate = new Ajv2020({ strict: true, strictRequired: false, allowUnionTypes: true }).compile<JsonReport>(
  schema,
);

/** Reads what `--json` wrote, held to its schema. Throws `ReportError`. */
export function readReport(path: string): JsonReport {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new ReportError(`${path}: ${(error as Error).message}`);
  }
  if (validate(content)) return content;
  const [first] = validate.errors ?? [];
  throw new ReportError(`${path}${first?.instancePath ?? ""}: ${first?.message ?? "does not fit the schema"}`);
}
