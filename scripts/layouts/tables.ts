import { markdownTable } from "markdown-table";
import { type Field, isNumber, type Layout, type Limit, type Node, type NumberField, WIDTHS } from "./layout.ts";

/**
 * A page has tables of layouts between comments: `<!-- fields tp -->` of the fields that every message begins with, `<!-- layout tp -->` of all that
 * may come; each ends with `<!-- /fields -->` or `<!-- /layout -->`.
 */
const BLOCK = /<!-- (?<kind>fields|layout) (?<profile>[a-z0-9-]+) -->\n[\s\S]*?<!-- \/\k<kind> -->/g;

/** The page with its tables as the layouts have them. Throws where it names a layout that is not there. */
export function withTables(page: string, layouts: readonly Layout[]): string {
  return page.replaceAll(BLOCK, (_, kind: string, profile: string) => {
    const layout = layouts.find((known) => known.profile === profile);
    if (layout === undefined) throw new Error(`expected a profile of spec/layouts in "<!-- ${kind} ${profile} -->"`);
    const table = kind === "fields" ? fieldTable(layout) : layoutTable(layout);
    return `<!-- ${kind} ${profile} -->\n${table}\n<!-- /${kind} -->`;
  });
}

const TYPES: Readonly<Record<NumberField["type"], string>> = {
  u8: "uint8",
  u32be: "uint32 BE",
  u56be: "uint56 BE",
  u64be: "uint64 BE",
  i64le: "int64 LE",
};
const code = (text: string) => `\`${text}\``;

function fieldTable({ message }: Layout): string {
  const rows: string[][] = [];
  let offset = 0;
  for (const node of message) {
    if (!("field" in node) || !isNumber(node)) break;
    rows.push([String(offset), code(node.field), TYPES[node.type], node.about]);
    offset += WIDTHS[node.type];
  }
  return markdownTable([["offset", "field", "type", "meaning"], ...rows], { alignDelimiters: false });
}

const bound = ({ option, most }: Limit) => (option === undefined ? String(most) : code(option));

function layoutTable({ opening = [], message }: Layout): string {
  const head = ["field", "type", "meaning", "the stream ends here", "its frame ends here", "refused"];
  return markdownTable([head, ...rowsOf(opening, "once, or not at all: "), ...rowsOf(message, "")], {
    alignDelimiters: false,
  });
}

function rowsOf(nodes: readonly Node[], when: string): string[][] {
  return nodes.flatMap((node): string[][] => {
    if ("if" in node) return rowsOf(node.nodes, `if ${node.if.is}: `);
    if (!("frame" in node)) return [row(node, when)];
    return node.records.flatMap(({ repeat, limit, fields }) => {
      const [first, ...rest] = rowsOf(fields, "");
      const again = repeat === undefined ? first! : first!.with(2, `repeated to the end of the frame: ${first![2]}`);
      const refused = limit === undefined ? again! : again!.with(5, `more than ${bound(limit)}: ${code(limit.class)}`);
      return [refused, ...rest];
    });
  });
}

function row(field: Field, when: string): string[] {
  const type = isNumber(field) ? TYPES[field.type] : `${code(field.length)} bytes`;
  return [
    code(field.field),
    type,
    `${when}${field.about}`,
    code(field.eof.class),
    field.cut ? code(field.cut.class) : "",
    refused(field),
  ];
}

function refused(field: Field): string {
  if (!isNumber(field)) return "";
  const { limit, values = {}, others } = field;
  return [
    ...(limit === undefined ? [] : [`above ${bound(limit)}: ${code(limit.class)}`]),
    ...Object.entries(values).flatMap(([value, { refused: by }]) =>
      by === undefined ? [] : [`${value}: ${code(by.class)}`],
    ),
    ...(others === undefined ? [] : [`${Object.keys(values).length === 0 ? "any" : "others"}: ${code(others.class)}`]),
  ].join(", ");
}
