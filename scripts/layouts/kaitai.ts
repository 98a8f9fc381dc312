import { type Frame, isNumber, type Layout, type Node, type NumberField } from "./layout.ts";

/** A description in Kaitai Struct's language: what its compiler takes, once it is written as YAML. */
type Yaml = string | number | boolean | readonly Yaml[] | { readonly [key: string]: Yaml };
type Mapping = Readonly<Record<string, Yaml>>;

interface Type {
  readonly seq: Mapping[];
  readonly instances: Record<string, Yaml>;
}

const HALF = 2 ** 32;

export const kaitaiId = (profile: string) => `tensorwire_${profile.replaceAll("-", "_")}`;

/**
 * One layout as a Kaitai description of a whole stream. Numbers of more than 32 bits that are not 8 bytes stand in two halves, since the
 * runtimes of some languages read no wider bit field; their sum has the name of the field.
 */
export function kaitaiOf(layout: Layout): Mapping {
  const types: Record<string, Yaml> = {};
  const enums: Record<string, Yaml> = {};

  const typeOf = (nodes: readonly Node[]): Mapping => {
    const type: Type = { seq: [], instances: {} };
    for (const node of nodes) add(type, node, {});
    return { seq: type.seq, ...(Object.keys(type.instances).length > 0 && { instances: type.instances }) };
  };

  const add = (type: Type, node: Node, condition: Mapping): void => {
    if ("if" in node) {
      for (const inner of node.nodes) add(type, inner, { if: conditionOf(node.if.field, node.if.is) });
    } else if ("frame" in node) {
      types[node.frame] = frameOf(node);
      type.seq.push({ id: node.frame, ...condition, size: node.length, type: node.frame });
    } else if (isNumber(node)) {
      addNumber(type, node, condition);
    } else {
      type.seq.push({ id: node.field, ...condition, size: node.length, doc: node.about });
    }
  };

  const frameOf = ({ records }: Frame): Mapping => {
    for (const { record, fields } of records) types[record] = typeOf(fields);
    return {
      seq: records.map(({ record, repeat }) =>
        repeat === undefined ? { id: record, type: record } : { id: `${record}s`, type: record, repeat: "eos" },
      ),
    };
  };

  const addNumber = (type: Type, field: NumberField, condition: Mapping): void => {
    const { field: id, about: doc } = field;
    if (field.top_bit !== undefined || field.type === "u56be") {
      const whole = field.type === "u56be" ? 24 : 32;
      if (field.top_bit !== undefined) type.seq.push({ id: field.top_bit, ...condition, type: "b1" });
      const high = field.top_bit === undefined ? whole : whole - 1;
      type.seq.push(
        { id: `${id}_high`, ...condition, type: `b${high}`, doc },
        { id: `${id}_low`, ...condition, type: "u4" },
      );
      type.instances[id] = { value: `${id}_high * ${HALF} + ${id}_low` };
      return;
    }
    const names = Object.entries(field.values ?? {});
    if (names.length > 0) {
      enums[id] = Object.fromEntries(names.map(([value, { name }]) => [value, name.toLowerCase()]));
    }
    const accepted = names.filter(([, { refused }]) => refused === undefined).map(([, { name }]) => name.toLowerCase());
    type.seq.push({
      id,
      ...condition,
      type: TYPES[field.type],
      ...(names.length > 0 && { enum: id, valid: { "any-of": accepted.map((name) => `${id}::${name}`) } }),
      doc,
    });
  };

  const conditionOf = (field: string, is: string): string =>
    field in enums ? `${field} == ${field}::${is.toLowerCase()}` : is;

  types.message = typeOf(layout.message);
  return {
    meta: {
      id: kaitaiId(layout.profile),
      title: `${layout.profile} of tensorwire`,
      license: "Apache-2.0",
      "ks-version": "0.10",
      endian: "be",
    },
    doc: layout.about,
    "doc-ref": `spec/${layout.chapter}`,
    seq: [{ id: "messages", type: "message", repeat: "eos" }],
    types,
    ...(Object.keys(enums).length > 0 && { enums }),
  };
}

const TYPES: Readonly<Record<NumberField["type"], string>> = {
  u8: "u1",
  u32be: "u4",
  u56be: "b56",
  u64be: "u8",
  i64le: "s8le",
};

export function kaitaiText(layout: Layout): string {
  const head = `# Generated from spec/layouts/${layout.profile}.json by scripts/layouts/generate.ts. Limits are the reader's to set.\n`;
  // Kaitai's own keys of an enum are numbers.
  const yaml = Bun.YAML.stringify(kaitaiOf(layout), null, 2).replaceAll(/^( +)"(\d+)":/gm, "$1$2:");
  return `${head}${yaml}\n`;
}
