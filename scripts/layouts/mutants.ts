import type { Layout, Node, NumberField } from "./layout.ts";

/** A layout with one mistake that no check may pass. */
export interface Mutant {
  readonly name: string;
  readonly layout: Layout;
}

type Edit = (nodes: readonly Node[]) => readonly Node[];

/** Two fields change places; a number is read in the other byte order; a number is narrower; a choice is another. */
export function mutants(layout: Layout): Mutant[] {
  const found: Mutant[] = [];
  const add = (name: string, edit: Edit, at: readonly Node[]) => {
    found.push({ name, layout: { ...layout, message: replaced(layout.message, at, edit(at)) } });
  };
  for (const nodes of listsOf(layout.message)) {
    for (const [i, node] of nodes.entries()) {
      const next = nodes[i + 1];
      if (isNumber(node) && isNumber(next)) {
        add(`${node.field} and ${next.field} change places`, (all) => all.with(i, next).with(i + 1, node), nodes);
      }
      if (isNumber(node)) {
        const type = OTHER_ORDER[node.type];
        if (type !== undefined && node.top_bit === undefined) {
          add(`${node.field} is read in the other byte order`, (all) => all.with(i, { ...node, type }), nodes);
        }
        const narrow = NARROWER[node.type];
        if (narrow !== undefined)
          add(`${node.field} is ${narrow}`, (all) => all.with(i, { ...node, type: narrow }), nodes);
      }
      if ("if" in node && node.if.is === "INFER") {
        add("a frame follows NOOP", (all) => all.with(i, { ...node, if: { ...node.if, is: "NOOP" } }), nodes);
      }
    }
  }
  return found;
}

const OTHER_ORDER: Partial<Record<NumberField["type"], NumberField["type"]>> = { u64be: "i64le", i64le: "u64be" };
const NARROWER: Partial<Record<NumberField["type"], NumberField["type"]>> = {
  u64be: "u56be",
  u56be: "u32be",
  u32be: "u8",
};

const isNumber = (node: Node | undefined): node is NumberField =>
  node !== undefined && "field" in node && node.type !== "bytes";

function listsOf(nodes: readonly Node[]): (readonly Node[])[] {
  return [
    nodes,
    ...nodes.flatMap((node) => {
      if ("if" in node) return listsOf(node.nodes);
      return "frame" in node ? node.records.flatMap(({ fields }) => listsOf(fields)) : [];
    }),
  ];
}

function replaced(nodes: readonly Node[], from: readonly Node[], to: readonly Node[]): readonly Node[] {
  if (nodes === from) return to;
  return nodes.map((node) => {
    if ("if" in node) return { ...node, nodes: replaced(node.nodes, from, to) };
    if (!("frame" in node)) return node;
    return { ...node, records: node.records.map((r) => ({ ...r, fields: replaced(r.fields, from, to) })) };
  });
}
