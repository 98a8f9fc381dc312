import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { FieldType } from "@tensorwire/conformance/corpus";
import { Ajv2020 } from "ajv/dist/2020.js";

export const ROOT = resolve(import.meta.dir, "../..");
export const LAYOUTS = join(ROOT, "spec/layouts");
const SCHEMA = "layout.schema.json";

/** What the files of `spec/layouts` hold; `layout.schema.json` says what each part means. */

export interface Refusal {
  readonly class: string;
  readonly rule: string;
}

export interface Limit extends Refusal {
  readonly option?: "max_frame_length" | "max_parts";
  readonly most?: number;
}

interface FieldBase {
  readonly field: string;
  readonly about: string;
  readonly eof: Refusal;
  readonly cut?: Refusal;
}

export interface NumberField extends FieldBase {
  readonly type: Exclude<FieldType, "bytes">;
  readonly counts?: string;
  readonly top_bit?: string;
  readonly limit?: Limit;
  readonly values?: Readonly<Record<string, { readonly name: string; readonly refused?: Refusal }>>;
  readonly others?: Refusal;
}

export interface BytesField extends FieldBase {
  readonly type: "bytes";
  readonly length: string;
  readonly message?: string;
}

export interface Choice {
  readonly if: { readonly field: string; readonly is: string };
  readonly nodes: readonly Node[];
}

export interface LayoutRecord {
  readonly record: string;
  readonly repeat?: "to-end";
  readonly limit?: Limit;
  readonly missing?: Refusal;
  readonly fields: readonly Node[];
}

export interface Frame {
  readonly frame: string;
  readonly length: string;
  readonly records: readonly LayoutRecord[];
}

export type Field = NumberField | BytesField;
export type Node = Field | Choice | Frame;

export interface Layout {
  readonly profile: string;
  readonly about: string;
  readonly chapter: string;
  readonly streams: readonly string[];
  readonly back?: string;
  readonly opening?: readonly Node[];
  readonly message: readonly Node[];
}

export const WIDTHS: Readonly<Record<NumberField["type"], number>> = { u8: 1, u32be: 4, u56be: 7, u64be: 8, i64le: 8 };

/** Every layout, by the name of its file. Throws where one does not meet the schema or contradicts itself. */
export function readLayouts(folder = LAYOUTS): Layout[] {
  const read = (file: string) => JSON.parse(readFileSync(join(folder, file), "utf8")) as unknown;
  const meets = new Ajv2020({ strict: true, strictRequired: false, allowMatchingProperties: true }).compile<Layout>(
    read(SCHEMA) as object,
  );
  return readdirSync(folder)
    .filter((file) => file.endsWith(".json") && file !== SCHEMA)
    .sort()
    .map((file) => {
      const layout = read(file);
      if (!meets(layout))
        throw new Error(`${file}: ${meets.errors?.map((e) => `${e.instancePath} ${e.message}`).join("; ")}`);
      if (file !== `${layout.profile}.json`) throw new Error(`${file}: it is the layout of ${layout.profile}`);
      checkNames(layout);
      return layout;
    });
}

/** Every field, in the order of the wire; one that stands in several places comes several times. */
export function fieldsOf(nodes: readonly Node[]): Field[] {
  return nodes.flatMap((node) => {
    if ("field" in node) return [node];
    if ("if" in node) return fieldsOf(node.nodes);
    return node.records.flatMap(({ fields }) => fieldsOf(fields));
  });
}

export const isNumber = (field: Field): field is NumberField => field.type !== "bytes";

/** Every rule that a layout names. */
export function rulesOf(layout: Layout): Set<string> {
  const rules = new Set<string>();
  JSON.stringify(layout, (key, value: unknown) => {
    if (key === "rule") rules.add(String(value));
    return value;
  });
  return rules;
}

/** A length, a choice and a count each name what stands where they say: a length and a choice in front, a count behind. */
function checkNames({ profile, opening = [], message }: Layout): void {
  const fail = (what: string): never => {
    throw new Error(`${profile}: ${what}`);
  };
  const walk = (nodes: readonly Node[], before: ReadonlyMap<string, NumberField>): void => {
    const seen = new Map(before);
    const number = (name: string) => seen.get(name) ?? fail(`no number "${name}" stands in front of what it decides`);
    const counted = (length: string, name: string) => {
      if (number(length).counts !== name) fail(`"${length}" does not count "${name}"`);
    };
    for (const node of nodes) {
      if ("if" in node) {
        const { top_bit, values = {} } = number(node.if.field);
        const names = Object.values(values).map(({ name }) => name);
        if (top_bit !== node.if.is && !names.includes(node.if.is)) fail(`"${node.if.field}" is never "${node.if.is}"`);
        walk(node.nodes, seen);
      } else if ("frame" in node) {
        counted(node.length, node.frame);
        for (const { fields } of node.records) walk(fields, seen);
      } else if (isNumber(node)) seen.set(node.field, node);
      else counted(node.length, node.field);
    }
  };
  walk(opening, new Map());
  walk(message, new Map());
}
